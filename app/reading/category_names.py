"""Shops and services by category: whoever names one of them is meant. Written by hand. Data only.

Names are separated by commas, in small letters; umlauts as two letters, accents left out.
"""

from collections.abc import Mapping

from app.core.taxonomy import (
    ADVERTISING,
    CARE,
    CHILDREN,
    CLOTHING,
    EATING_OUT,
    EDUCATION,
    ELECTRONICS,
    FEES,
    FUEL,
    FUN,
    GIVING,
    GROCERIES,
    HEALTH,
    HOME,
    HOUSING,
    INSURANCE,
    OFFICE,
    PETS,
    PHONE,
    SALARY,
    SAVINGS,
    SERVICES,
    SHOPPING,
    SOFTWARE,
    SPORT,
    SUBSCRIPTIONS,
    TAXES,
    TRANSFERS,
    TRANSPORT,
    TRAVEL,
    UTILITIES,
)

NAMES: Mapping[str, str] = {
    GROCERIES: """
        rewe, edeka, e center, eurospar, spar, interspar, lidl, aldi, aldi sued, aldi nord, penny,
        netto, netto marken discount, kaufland, real, norma, tegut, globus, famila, combi,
        marktkauf, hofer, billa, merkur markt, migros, coop, denner, volg, alnatura, denns, basic
        bio, bio company, tesco, sainsbury, sainsburys, asda, morrisons, waitrose, marks and
        spencer food, m&s simply food, iceland, ocado, aldi stores, co op, coop group, londis,
        budgens, costcutter, supervalu, dunnes, centra, carrefour, leclerc, e leclerc,
        intermarche, auchan, monoprix, franprix, casino shop, casino supermarche, super u, hyper
        u, systeme u, picard, biocoop, naturalia, lidl france, cora, albert heijn, ah to go,
        jumbo, plus supermarkt, dirk, dirk van den broek, vomar, hoogvliet, deen, picnic, crisp,
        delhaize, colruyt, okay, mercadona, dia, eroski, hipercor, alcampo, consum, bonpreu,
        condis, esselunga, conad, coop italia, pam, eurospin, carrefour express, biedronka, zabka,
        albert, billa sk, kaufland cz, tesco stores, spar magyarorszag, ica, willys, hemkop, rema,
        rema 1000, kiwi, meny, netto dk, fotex, bilka, s market, prisma, k market, k citymarket,
        pingo doce, continente, walmart, wal mart, wm supercenter, kroger, safeway, albertsons,
        publix, whole foods, wholefoods, wholefds, trader joe, trader joes, wegmans, h e b, heb,
        food lion, giant eagle, stop shop, shoprite, meijer, hy vee, winco, sprouts, aldi us,
        costco, costco whse, sams club, instacart, loblaws, sobeys, metro inc, no frills,
        superstore, coles, woolworths, woolies, countdown, pak n save, fairprice, ntuc, cold
        storage, sheng siong, hellofresh, hello fresh, gousto, flaschenpost, gorillas, getir,
        flink, knuspr, rossmann lebensmittel, quality nuts, too good to go, morrison, w m
        morrison, booker, brake bros, bidfood, farmfoods, farm foods, one stop stores, nisa local,
        spar express, radatz, iki, rimi, maxima, norfa, penny markt, penny market
    """,
    EATING_OUT: """
        mcdonalds, mcdonald, burger king, kfc, subway, starbucks, amrest starbucks, dunkin,
        dominos, domino, pizza hut, papa johns, five guys, chipotle, wendys, taco bell, panera,
        chick fil a, in n out, shake shack, popeyes, tim hortons, costa coffee, costa, pret a
        manger, pret, greggs, nero, caffe nero, wagamama, nandos, leon, itsu, wetherspoon, jd
        wetherspoon, pizza express, pizzaexpress, vapiano, losteria, l osteria, nordsee, hans im
        glueck, peter pane, backwerk, kamps, le crobag, der mann, ditsch, block house, einstein
        kaffee, balzac coffee, coffee fellows, blue bottle, blue bottle coffee, peets, paul,
        brioche doree, quick, flunch, big mamma, febo, new york pizza, bagels beans, la place,
        lieferando, takeaway, thuisbezorgd, just eat, justeat, deliveroo, uber eats, ubereats,
        doordash, grubhub, seamless, wolt, foodora, glovo, foodpanda, skip the dishes, menulog,
        toasttab, l olilo
    """,
    TRANSPORT: """
        uber, uber trip, lyft, bolt, free now, freenow, cabify, ola cabs, gett, grab, blablacar,
        bvg, hvv, mvg, mvv, vbb, rmv, vrr, kvb, vgn, vvs, rnv, wiener linien, oebb, sbb, cff, zvv,
        tfl, tfl travel, tfl travel ch, transport for london, trainline, thetrainline, national
        rail, lner, gwr, northern rail, ratp, navigo, sncf, sncf connect, ouigo, ns groep, ns
        reizigers, ov chipkaart, gvb, ret, htm, translink, de lijn, nmbs, sncb, stib, mivb, renfe,
        emt madrid, tmb, atac, trenitalia, italo, atm milano, mta, mta nyc, bart, caltrain,
        clipper, septa, wmata, cta ventra, presto, opal, myki, deutsche bahn, db vertrieb, db
        fernverkehr, db bahn, bahn, flixbus, flixtrain, flix, nextbike, lime, tier mobility, voi,
        bird, donkey republic, swapfiets, share now, sharenow, miles mobility, sixt share, cambio,
        stadtmobil, greenwheels, zipcar, easypark, parkster, paybyphone, ringgo, park now,
        parknow, apcoa, q park, qpark, contipark, goldbeck parking, ncp, justpark, ezpass, e
        zpass, sunpass, asfinag, autostrade, telepass, atu, a t u, pitstop, kwik fit, halfords,
        euromaster, vergoelst, jiffy lube, autozone, dvla, adac
    """,
    FUEL: """
        shell, aral, esso, bp, jet, jet tankstelle, total, totalenergies, total energies, omv,
        agip, eni, q8, repsol, cepsa, galp, tamoil, avia, star tankstelle, hem, hoyer, bft, oil
        tankstelle, texaco, gulf, exxon, exxonmobil, mobil oil, chevron, valero, sunoco, marathon
        petro, arco, speedway, wawa, circle k, petro canada, statoil, neste, orlen, mol, lukoil,
        tinq, tango, firezone, ionity, enbw mobility, tesla supercharger, fastned, chargepoint,
        allego, maingau, instavolt, gridserve, shell oil, shell recharge
    """,
    TRAVEL: """
        lufthansa, ryanair, easyjet, eurowings, wizz air, wizzair, vueling, klm, air france,
        british airways, iberia, tap portugal, swiss air, swiss intl, austrian airlines, condor,
        tui, tuifly, transavia, norwegian air, sas scandinavian, finnair, turkish airlines,
        emirates, qatar airways, etihad, delta air, united airlines, american airlines, southwest,
        southwest air, jetblue, alaska air, spirit airlines, frontier airlines, air canada,
        westjet, qantas, jetstar, virgin atlantic, singapore air, booking, booking com, airbnb,
        expedia, hotels com, agoda, hrs, trivago, kayak, opodo, edreams, lastminute, hostelworld,
        vrbo, fewo direkt, marriott, hilton, hyatt, ihg, holiday inn, ibis, novotel, mercure,
        accor, accorhotels, motel one, premier inn, travelodge, nh hotels, radisson, best western,
        sheraton, westin, b b hotels, meininger, center parcs, sixt, europcar, hertz, avis,
        enterprise rent, budget rent, alamo, check24 reise, jet2, eurostar, thalys, stena line,
        dfds, scandlines, gatwick express, heathrow express, hotel adlon, getyourguide, viator
    """,
    UTILITIES: """
        vattenfall, e on, eon, eon energie, enbw, rwe, innogy, ewe, lichtblick, yello, yello
        strom, eprimo, naturstrom, tibber, octopus energy, octopus, british gas, edf, edf energy,
        engie, eni gas, scottish power, scottishpower, ovo energy, bulb, sse energy, npower,
        thames water, severn trent, united utilities, anglian water, southern water, veolia, suez,
        essent, eneco, nuon, greenchoice, vitens, evides, waternet, luminus, electrabel,
        iberdrola, endesa, naturgy, enel, a2a, hera, evn, wien energie, verbund, berliner
        wasserbetriebe, berliner stadtreinigung, hamburg wasser, swm, mainova, enercity, techem,
        ista, con edison, coned, pg&e, pge, duke energy, dominion energy, national grid, comcast
        energy, xcel energy, hydro one, hydro quebec, agl energy, origin energy, electric ireland,
        bord gais, cez, e on cz
    """,
    PHONE: """
        telekom, telekom deutschland, deutsche telekom, t mobile, tmobile, magenta, vodafone,
        vodafone kabel, kabel deutschland, o2, telefonica, 1&1, 1und1, 1 1 telecom, congstar, aldi
        talk, blau, klarmobil, freenet, mobilcom, drillisch, winsim, simyo, fraenk, unitymedia, m
        net, netcologne, pyur, orange, sfr, bouygues, bouygues telecom, free mobile, free telecom,
        sosh, red by sfr, kpn, ziggo, odido, tele2, lebara, ben nl, proximus, telenet, base
        company, ee limited, ee, three, hutchison, giffgaff, bt group, virgin media, sky digital,
        talktalk, plusnet, movistar, yoigo, masmovil, tim spa, wind tre, iliad, fastweb, swisscom,
        sunrise, salt mobile, a1 telekom, drei, verizon, vz wireless, at&t, att, sprint, comcast,
        xfinity, spectrum, charter comm, mint mobile, google fi, rogers, bell canada, telus, fido,
        telstra, optus, eir, upc, play pl, telia
    """,
    INSURANCE: """
        allianz, axa, ergo, huk, huk coburg, huk24, devk, generali, zurich versicherung, zurich
        insurance, r+v, r v, signal iduna, debeka, gothaer, provinzial, lvm, vhv, hdi,
        hansemerkur, barmenia, cosmosdirekt, cosmos, alte leipziger, getsafe, clark, wefox,
        lemonade, aviva, direct line, admiral, churchill, hastings direct, lv insurance, legal
        general, royal london, prudential, aegon, nationale nederlanden, centraal beheer,
        interpolis, unive, ohra, fbto, macif, maif, maaf, matmut, groupama, mapfre, mutua
        madrilena, unipolsai, geico, progressive, state farm, allstate, liberty mutual, farmers
        ins, usaa, helvetia, mobiliar, baloise, wiener staedtische, uniqa, ethias, arag, adac
        versicherung, ag insurance
    """,
    HEALTH: """
        aok, barmer, techniker krankenkasse, tk krankenkasse, dak, ikk, bkk, knappschaft, hek,
        hkk, fielmann, apollo optik, mister spex, docmorris, shop apotheke, redcare, medpex,
        boots, boots pharmacy, superdrug pharmacy, lloyds pharmacy, specsavers, vision express,
        bupa, cvs, cvs pharmacy, walgreens, rite aid, kaiser permanente, quest diagnostics,
        labcorp, zilveren kruis, vgz, cz groep, menzis, ameli, cpam, mutuelle, harmonie mutuelle,
        css versicherung, sanitas, swica, oegk, svs, headspace, doctolib, vetmedica
    """,
    CARE: """
        dm drogerie, dm fil, dm, rossmann, mueller drogerie, budni, budnikowsky, douglas, sephora,
        bipa, superdrug, lush, the body shop, rituals, kruidvat, etos, marionnaud, yves rocher,
        flaconi, notino, ulta, sally beauty, supercuts, great clips, regis salon
    """,
    CLOTHING: """
        h&m, h m, zara, c&a, primark, uniqlo, mango, bershka, pull bear, stradivarius, massimo
        dutti, zalando, about you, aboutyou, asos, boohoo, shein, bonprix, peek cloppenburg, p&c,
        kik, takko, nkd, deichmann, snipes, foot locker, footlocker, adidas, nike, puma store, new
        yorker, esprit, s oliver, tom tailor, jack jones, vero moda, levis, gap, old navy, banana
        republic, j crew, tk maxx, tkmaxx, tj maxx, tjmaxx, marshalls, ross stores, nordstrom,
        macys, next retail, next directory, new look, river island, topshop, marks spencer,
        matalan, george asda, vinted, vestiaire, hunkemoeller, wehkamp, kiabi, celio, jules,
        promod, calzedonia, intimissimi, lululemon, patagonia, hm hennes
    """,
    SHOPPING: """
        amazon, amzn, amazon mktp, amazon eu, amazon marketplace, ebay, etsy, otto, otto de,
        aliexpress, alibaba, temu, wish com, galeria, karstadt, kaufhof, tchibo, action, hema,
        tedi, woolworth, flying tiger, bol com, bol, coolblue shop, cdiscount, fnac, la redoute,
        vente privee, veepee, el corte ingles, argos, john lewis, very co uk, wilko, b&m,
        poundland, home bargains, target, walmart com, dollar tree, dollar general, five below,
        best deals, costway, qvc, kleinanzeigen, marktplaats, leboncoin, allegro, manomano shop,
        klarna
    """,
    HOME: """
        ikea, obi, bauhaus, hornbach, toom, toom baumarkt, hagebau, hagebaumarkt, hellweg, globus
        baumarkt, poco, roller, hoeffner, xxxlutz, xxxl, moebelix, segmueller, westwing, home24,
        wayfair, made com, jysk, daenisches bettenlager, depot, butlers, maisons du monde, leroy
        merlin, castorama, brico depot, bricorama, conforama, but, gamma, karwei, praxis
        bouwmarkt, hubo, b&q, screwfix, toolstation, tool station, travis perkins, jewson, the
        range, wickes, homebase, dunelm, home depot, the home depot, lowes, menards, ace hardware,
        bed bath, crate barrel, pottery barn, west elm, bunnings, lipo, forstinger, mobelix,
        dehner, blume2000, fleurop, interflora, manomano
    """,
    ELECTRONICS: """
        media markt, mediamarkt, saturn, conrad, conrad electronic, notebooksbilliger, alternate,
        cyberport, mindfactory, reichelt, caseking, apple store, apple retail, coolblue, currys,
        pc world, argos tech, darty, boulanger, ldlc, best buy, bestbuy, newegg, micro center, b&h
        photo, sparkfun, adafruit, digikey, mouser, back market, refurbed, rebuy, game stop,
        gamestop, fry electronics, unieuro, euronics, expert technomarkt, dell, lenovo, hp store,
        samsung electronics, nintendo of europe hardware
    """,
    SUBSCRIPTIONS: """
        netflix, spotify, disney plus, disneyplus, disney, amazon prime, prime video, apple music,
        apple tv, icloud, apple bill, itunes, apple com bill, youtube premium, youtube, google
        youtube, hbo, hbo max, hulu, peacock, paramount plus, dazn, sky deutschland, sky, now tv,
        nowtv, wow tv, rtl, joyn, deezer, tidal, soundcloud, audible, kindle unlimited, scribd,
        blinkist, medium com, substack, patreon, twitch, crunchyroll, onlyfans, rundfunk, ard zdf,
        beitragsservice, gez, tv licence, tv licensing, bbc, new york times, nytimes, washington
        post, guardian, economist, financial times, wall street journal, wsj, spiegel, zeit
        verlag, sueddeutsche, faz, le monde, mediapart, canal plus, canal, molotov, viaplay,
        videoland, npo plus, readly, tinder, bumble, parship, elitepartner, google one, google
        storage, freeletics
    """,
    SOFTWARE: """
        adobe, microsoft, microsoft 365, office 365, msft, google workspace, google cloud, google
        gsuite, gsuite, amazon web services, aws, github, gitlab, atlassian, jira, slack, notion,
        notion labs, figma, canva, dropbox, zoom, zoom us, openai, chatgpt, anthropic, claude ai,
        cloudflare, digitalocean, linode, hetzner, hetzner online, ovh, ovhcloud, ionos, strato,
        netcup, all inkl, host europe, godaddy, namecheap, gandi, squarespace, wix, wordpress,
        automattic, shopify, mailchimp, sendgrid, twilio, stripe billing, hubspot, salesforce,
        zendesk, intercom, asana, trello, monday com, airtable, miro, jetbrains, 1password,
        lastpass, bitwarden, nordvpn, expressvpn, protonmail, proton, fastmail, grammarly,
        evernote, loom, calendly, typeform, zapier, vercel, netlify, heroku, render com, fly io,
        mongodb, datadog, sentry, new relic, docusign, quickbooks, intuit, xero, freshbooks, sage,
        lexoffice, lexware, sevdesk, datev, gusto, sap, oracle, autodesk, sketch, setapp,
        parallels, malwarebytes, norton, mcafee, avira, kaspersky, beanhub, cakelens, backblaze,
        algolia, postmark
    """,
    FUN: """
        steam, steam games, steampowered, valve, playstation, sony playstation, xbox, nintendo,
        nintendo of europe, epic games, ea games, electronic arts, blizzard, riot games, ubisoft,
        gog, roblox, google play, app store, cineplex, cinemaxx, uci kino, cinestar, odeon, vue
        cinema, cineworld, ugc, pathe, gaumont, mk2, amc theatres, amc, regal cinemas, cinemark,
        fandango, eventim, cts eventim, ticketmaster, stubhub, eventbrite, see tickets,
        ticketswap, reservix, dice fm, live nation, legoland, europapark, europa park, disneyland,
        phantasialand, heide park, efteling, tivoli, lotto, lotto24, tipp24, tipico, bwin, bet365,
        pokerstars, nederlandse loterij, staatsloterij, national lottery, euromillions, fdj,
        winamax, toto, thalia, hugendubel, waterstones, barnes noble, fnac livres, bruna
    """,
    SPORT: """
        mcfit, rsg group, fitness first, fitx, clever fit, cleverfit, john reed, urban sports,
        urban sports club, wellpass, egym, fitnesswerk, puregym, pure gym, the gym group, david
        lloyd, virgin active, basic fit, basicfit, planet fitness, equinox, la fitness, 24 hour
        fitness, anytime fitness, crossfit, peloton, classpass, gympass, strava, zwift, komoot,
        decathlon, intersport, sport scheck, sportscheck, sports direct, rei, dicks sporting,
        alpenverein, dav, bergfreunde, bike24, rose bikes, canyon bicycles, wiggle, chain
        reaction, go outdoors, sport 2000
    """,
    EDUCATION: """
        udemy, coursera, edx, skillshare, masterclass, linkedin learning, duolingo, babbel,
        preply, italki, pluralsight, codecademy, datacamp, oreilly media, studierendenwerk,
        studentenwerk, open university, pearson, cornelsen, klett, duo hoofdrekening
    """,
    CHILDREN: """
        toys r us, smyths, smyths toys, lego, mytoys, babymarkt, babywalz, vertbaudet, jako o,
        mothercare, kinderopvang, familienkasse beitrag, playmobil, toysrus, the entertainer
    """,
    PETS: """
        fressnapf, zooplus, futterhaus, das futterhaus, pets at home, petco, petsmart, chewy, maxi
        zoo, zooroyal, tractive, zoo shop, pets place, maxizoo
    """,
    GIVING: """
        unicef, unhcr, red cross, rotes kreuz, deutsches rotes kreuz, drk, aerzte ohne grenzen,
        medecins sans frontieres, msf, greenpeace, wwf, amnesty, amnesty international, oxfam,
        brot fuer die welt, misereor, caritas, diakonie, save the children, world vision,
        wikimedia, wikipedia, betterplace, gofundme, justgiving, campact, nabu, bund naturschutz,
        cancer research, british heart, rnli, salvation army, kiva, plan international
    """,
    TAXES: """
        finanzamt, finanzkasse, bundeskasse, zoll, hauptzollamt, hmrc, irs, irs usataxpymt,
        franchise tax board, dgfip, impots, tresor public, belastingdienst, fod financien, agencia
        tributaria, aeat, agenzia entrate, hm revenue, council tax, steueramt, gemeindekasse,
        stadtkasse, kfz steuer
    """,
    SALARY: "payroll deposit, acme payroll",
    SAVINGS: """
        trade republic, scalable capital, scalable, comdirect depot, flatex, smartbroker, etoro,
        degiro, interactive brokers, vanguard, fidelity, charles schwab, schwab, robinhood,
        wealthfront, betterment, acorns, hargreaves lansdown, nutmeg, freetrade, coinbase,
        binance, kraken, bitpanda, bitstamp, bison app, raisin, weltsparen, union investment,
        deka, dws, bausparkasse, schwaebisch hall, wuestenrot, lbs bausparkasse, brand new day,
        peaks
    """,
    ADVERTISING: """
        google ads, google adwords, adwords, facebook ads, facebk, facebook, meta platforms, meta
        ads, linkedin ads, tiktok ads, twitter ads, bing ads, microsoft advertising, criteo,
        taboola, outbrain, vistaprint, flyeralarm, moo com
    """,
    OFFICE: """
        dhl, dhl paket, deutsche post, hermes versand, hermes, dpd, gls, ups, fedex, usps, royal
        mail, postnl, post nl, bpost, la poste, colissimo, chronopost, mondial relay, evri,
        parcelforce, correos, poste italiane, swiss post, oesterreichische post, stamps com,
        pirateship, staples, office depot, officemax, viking, viking office, otto office, mcpaper,
        ryman, bueroshop24, memo ag, bruneau, lyreco
    """,
    SERVICES: """
        upwork, fiverr, freelancer com, toptal, legalzoom, rocket lawyer, deloitte, kpmg, pwc,
        ernst young, taxfix, wundertax, smartsteuer, turbotax, h&r block, schufa, companies house,
        handelsregister, notarkammer, myhammer, taskrabbit, helpling
    """,
    FEES: """
        kontofuehrung, kontofuehrungsgebuehr, abschlussentgelt, overdraft fee, nsf fee, atm fee
    """,
    HOUSING: """
        vonovia, deutsche wohnen, leg wohnen, saga hamburg, degewo, gewobag, howoge, gag koeln,
        hausverwaltung lindenhof, foncia, nexity, openrent, ymere, vesteda, woonbron, landlord
    """,
    TRANSFERS: """
        paypal transfer, wise transfer, transferwise, western union, moneygram, remitly,
        worldremit, venmo, zelle, cash app, tikkie, payconiq, wero, revolut, n26 transfer
    """,
}

# Names that are also everyday words or people's names: they count only as the whole payee, give or
# take a town and the number of a branch.
ALONE = """
    acorns, action, admiral, alamo, albert, alternate, arco, avia, avis, bird, bolt, bulb, bumble,
    but, canal, centra, churchill, clark, combi, conad, condor, conrad, cora, costa, crisp, dav,
    deen, deka, dell, depot, dia, dirk, disney, douglas, drei, ee, eir, etos, fidelity, fido,
    flink, flix, gap, globus, gls, grab, gulf, hem, hera, hermes, htm, ica, iceland, iki, italo,
    jet, joyn, jules, jumbo, kiwi, kraken, lego, leon, lime, loom, lush, mango, maxima, meny,
    miro, mobiliar, mol, norma, odido, okay, opal, oracle, orange, orlen, pam, paul, peaks, penny,
    picnic, poco, presto, prisma, progressive, quick, raisin, real, rei, ret, rituals, rogers,
    roller, sage, sanitas, sap, schwab, sentry, sketch, sky, spectrum, sprint, staples, star
    tankstelle, steam, sunrise, tango, target, three, tinder, total, toto, upc, ups, vanguard,
    viking, voi, zoom
"""
