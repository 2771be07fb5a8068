"""What words of everyday language say was bought, by category, in several languages. Data only.

WORDS count when they stand alone, STEMS also inside longer words, such as "loewenapotheke". All are
in small letters; umlauts as two letters, accents left out.
"""

from collections.abc import Mapping

from app.core.taxonomy import (
    ADVERTISING,
    BENEFITS,
    CARE,
    CASH,
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
    INTEREST,
    OFFICE,
    PETS,
    PHONE,
    SALARY,
    SALES,
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

WORDS: Mapping[str, str] = {
    GROCERIES: """
        supermarkt, supermarket, supermarche, supermercado, supermercato, groceries, grocery,
        grocer, lebensmittel, boodschappen, alimentari, alimentation, epicerie, biomarkt,
        hofladen, wochenmarkt, farmers market, metzgerei, metzger, fleischerei, butcher,
        boucherie, slager, greengrocer, getraenkemarkt, getraenke, obst gemuese, food market,
        minimarket, minimarkt, potraviny
    """,
    EATING_OUT: """
        restaurant, restaurante, ristorante, cafe, caffe, coffee, coffee shop, kaffee, kaffeebar,
        espresso, bar, pub, bistro, brasserie, trattoria, osteria, pizzeria, pizza, burger, sushi,
        ramen, thai, doener, kebab, kebap, falafel, curry, grill, steakhouse, diner, tavern,
        taverna, imbiss, kantine, mensa, canteen, lunch, dinner, mittagessen, essen gehen,
        eisdiele, gelateria, gelato, ice cream, baeckerei, bakery, boulangerie, bakkerij,
        patisserie, konditorei, deli, sandwich, bagel, food truck, catering, meals, snackbar, beer
        garden, biergarten, brauhaus, brewery, wine bar, weinbar, tapas, kitchen, eatery,
        foodcourt, noodle, chicken, bbq
    """,
    TRANSPORT: """
        taxi, cab, taxis, bus, metro, tram, u bahn, s bahn, subway ticket, train, trains, train
        ticket, railway, rail, fahrkarte, fahrschein, bahnticket, ticket bahn, monatskarte,
        deutschlandticket, parking, parkhaus, parkplatz, parkschein, parken, car park, parkeren,
        stationnement, aparcamiento, parcheggio, toll, maut, peage, vignette, car wash,
        autowaesche, waschstrasse, autowerkstatt, werkstatt, kfz werkstatt, reifen, tyres, tires,
        garage, mechanic, tuev, car sharing, carsharing, bike rental, scooter, fahrrad, ride,
        rideshare, veloverleih, auto parts, autoteile
    """,
    FUEL: """
        tankstelle, tanken, fuel, petrol, gas station, gasoline, diesel, benzin, station service,
        carburant, gasolinera, benzine, tankstation, brandstof, charging station, ladestation,
        ladesaeule, ev charging
    """,
    TRAVEL: """
        hotel, hotels, hostel, motel, pension zimmer, guesthouse, gasthof, ferienwohnung, airline,
        airlines, airways, flight, flights, flug, fluege, flughafen, airport, vol, vuelo, volo,
        reise, reisen, reisebuero, urlaub, travel, travel agency, viaje, voyage, mietwagen, car
        rental, rent a car, cruise, kreuzfahrt, faehre, ferry, campingplatz, camping, resort,
        booking, reservation, unterkunft, lodging, duty free, visa application
    """,
    HOUSING: """
        rent, miete, mietzahlung, kaltmiete, warmmiete, loyer, alquiler, affitto, huur,
        huurwoning, rent payment, nebenkosten, hausgeld, hausverwaltung, mortgage, hypothek,
        hypotheek, baufinanzierung, immobilienkredit, pret immobilier, landlord, letting agent,
        lettings, property management, immobilien, vermieter, strata, hoa, hoa dues, syndic, vve,
        kaution wohnung
    """,
    UTILITIES: """
        strom, stromabschlag, abschlag strom, gas, abschlag gas, electricity, electric, energy,
        energie, wasser, abwasser, water, water bill, heizung, fernwaerme, heating, muell,
        muellabfuhr, waste, sewer, utility, utilities, stadtwerke, electricite, electricidad,
        luce, eau, agua, elektrizitaet, elektriciteit, versorgung, schornsteinfeger, abschlag
    """,
    PHONE: """
        mobilfunk, mobile phone, phone bill, telefon, telefonie, handy, handyvertrag, internet
        rechnung, internet bill, internet service, kabel internet, internet flat, dsl, breitband,
        broadband, wifi, glasfaser, fibre, fiber, telecom, telecoms, telekommunikation, festnetz,
        sim card, prepaid aufladung, top up mobile, forfait mobile, telefoon
    """,
    INSURANCE: """
        insurance, versicherung, versicherungen, assurance, assurances, verzekering,
        verzekeringen, seguro, seguros, assicurazione, assicurazioni, haftpflicht, hausrat, kfz
        versicherung, rechtsschutz, lebensversicherung, premium insurance, versicherungsbeitrag,
        berufsunfaehigkeit, unfallversicherung, polis, police beitrag
    """,
    HEALTH: """
        apotheke, pharmacy, pharmacie, farmacia, apotheek, drugstore, arzt, aerztin, zahnarzt,
        zahnaerztin, doctor, dentist, dental, dentiste, tandarts, huisarts, medecin, medico,
        hospital, krankenhaus, klinik, clinic, clinique, clinica, praxis, physio, physiotherapie,
        physiotherapy, optiker, optician, opticien, krankenkasse, krankenversicherung, health,
        healthcare, medical, labor, laboratoire, therapie, therapy, psychotherapie, orthopaedie,
        hautarzt, augenarzt, sanitaetshaus, osteopath, chiropractor
    """,
    CARE: """
        drogerie, drogeriemarkt, drogist, friseur, frisoer, hairdresser, hair salon, haircut,
        barber, barbershop, coiffeur, kapper, peluqueria, parrucchiere, kosmetik, cosmetics,
        beauty, nail, nails, nagelstudio, spa, massage, parfuemerie, parfumerie, tattoo, salon,
        wellness, therme, sauna
    """,
    CLOTHING: """
        clothing, clothes, kleidung, mode, fashion, schuhe, shoes, schoenen, chaussures,
        vetements, ropa, abbigliamento, boutique, textil, jeans, jeweller, jewelry, juwelier,
        bijouterie, reinigung textil, dry cleaning, dry cleaners, laundry, waescherei,
        schneiderei, tailor, kleding, outlet
    """,
    SHOPPING: """
        kiosk, kaufhaus, department store, warenhaus, onlineshop, online shop, webshop, gift shop,
        souvenir, flohmarkt, antique, tobacco, tabak, tabac, trafik, online purchase, bestellung,
        order
    """,
    HOME: """
        baumarkt, bouwmarkt, bricolage, diy, hardware store, furniture, moebel, moebelhaus,
        meubles, meubelen, muebles, mobili, kuechenstudio, garten, gartencenter, gartenmarkt,
        garden centre, garden center, jardinerie, tuincentrum, florist, blumen, blumenladen,
        fleuriste, bloemen, flowers, handwerker, plumber, klempner, elektriker, electrician,
        maler, painter, tischlerei, schreinerei, schluesseldienst, locksmith, cleaning service,
        haushaltshilfe, paint store, lampen, teppich, interior
    """,
    ELECTRONICS: """
        electronics, elektronik, elektro, computer, laptop, hifi, electromenager,
        fotofachgeschaeft, camera, camera store, smartphone, phone repair, handyreparatur
    """,
    SUBSCRIPTIONS: """
        subscription, abonnement, abo, abogebuehr, streaming, rundfunkbeitrag, zeitung, newspaper,
        magazine, zeitschrift, journal abonnement, monthly plan, premium membership,
        mitgliedschaft premium
    """,
    SOFTWARE: """
        software, saas, hosting, webhosting, domain, domains, cloud, cloud storage, licence,
        license, lizenz, api usage, web services, vpn, app subscription
    """,
    FUN: """
        kino, cinema, movie, movies, theater, theatre, theaterkasse, konzert, concert, concerts,
        museum, musee, museo, zoo, tierpark, aquarium, freizeitpark, theme park, amusement,
        spielbank, casino, lotterie, lottery, loterie, loterij, wetten, betting, bowling, billard,
        escape room, karaoke, club, nightclub, disco, festival, games, gaming, game, spielwaren
        spiele, buchhandlung, bookshop, bookstore, books, buecher, librairie, boekhandel,
        libreria, music, musik, event, events, ticket, tickets, minigolf, kletterpark, oper, opera
    """,
    SPORT: """
        fitness, fitnessstudio, gym, sportverein, sportstudio, sport, sports, yoga, pilates,
        schwimmbad, hallenbad, freibad, swimming, pool, climbing, kletterhalle, boulder,
        boulderhalle, tennis, tennisclub, golf, golfclub, football, fussball, squash, badminton,
        ski, skipass, skischule, lift pass, bike shop, fahrradladen, tanzschule, dance,
        reitverein, turnverein, tsv, sv, marathon, vereinsbeitrag, sportschool, gimnasio, palestra
    """,
    EDUCATION: """
        university, universitaet, universite, universidad, hochschule, fachhochschule, college,
        school, schule, schulgeld, tuition, tuition fee, semesterbeitrag, studiengebuehr, kurs,
        course, seminar, workshop, training, weiterbildung, volkshochschule, vhs, nachhilfe,
        tutoring, sprachschule, language school, fahrschule, driving school, musikschule,
        bibliothek, library, exam fee, student loan, bafoeg
    """,
    CHILDREN: """
        kita, kitabeitrag, kindergarten, kinderkrippe, tagesmutter, childcare, daycare, nursery,
        creche, kinderbetreuung, babysitter, nanny, spielzeug, spielwaren, toys, jouets,
        speelgoed, taschengeld, pocket money, child support, unterhalt, klassenfahrt, hort
    """,
    PETS: """
        tierarzt, tierklinik, tierfutter, tierbedarf, veterinaer, veterinary, veterinarian, vet,
        vets, veterinaire, dierenarts, dierenwinkel, pet shop, pet food, pets, hundeschule,
        hundesteuer, animalerie, dog grooming, kattenvoer, petshop
    """,
    GIVING: """
        spende, spenden, donation, donations, donativo, don, gift aid, charity, stiftung,
        foundation, hilfswerk, kirche, church, eglise, parish, kirchgeld, crowdfunding, geschenk,
        gift, present, cadeau, foerderverein, tierheim, tithe
    """,
    TAXES: """
        steuer, steuern, einkommensteuer, umsatzsteuer, gewerbesteuer, grundsteuer, kfz steuer,
        lohnsteuer, tax, taxes, income tax, vat payment, impot, impots, taxe, belasting,
        belastingen, impuesto, impuestos, imposta, imposte, steuererstattung, tax refund, customs,
        zollabgaben, council tax, property tax, fine, bussgeld, verwarnungsgeld, traffic fine,
        amende, boete, multa
    """,
    FEES: """
        kontogebuehr, account fee, bank fee, bank charge, bank charges, service charge, monthly
        fee, maintenance fee, foreign transaction fee, auslandseinsatzentgelt,
        fremdwaehrungsentgelt, ccy conversion fee, conversion fee, wire fee, overdraft, late fee,
        entgelt, entgeltabschluss, kartengebuehr, kartenentgelt, jahresgebuehr karte, frais
        bancaires, cotisation carte, commission bancaire, comision, commissione, bankkosten,
        kosten rekening, card fee, annual fee, finance charge, rechnungsabschluss, depotgebuehr,
        porto bank, fee, stripe fee, interest charge, sollzinsen, ueberziehungszinsen,
        kreditzinsen, interest charged, debit interest, rente lening
    """,
    CASH: """
        geldautomat, bargeld, bargeldauszahlung, bargeldabhebung, auszahlung gaa, atm withdrawal,
        atm cash, cash withdrawal, cash machine, cash point, cashpoint, cash, withdrawal,
        geldautomaat, geldopname, retrait, retrait dab, distributeur, cajero, retirada efectivo,
        prelievo, prelievo bancomat, bargeldeinzahlung, cash deposit, bankomat, bankomatbehebung,
        behebung, einzahlung bargeld, gaa
    """,
    TRANSFERS: """
        uebertrag, umbuchung, eigene konten, own account, own accounts, internal transfer,
        transfer own, between accounts, transfer to savings, transfer from savings, automatic
        payment, automatic payment thank, payment thank you, payment received, autopay, credit
        card payment, kreditkartenabrechnung, kreditkartenausgleich, ausgleich kreditkarte,
        virement interne, overboeking eigen, traspaso, giroconto, transfer, umsatzausgleich, money
        added, top up, payment from checking account, standing order to own, naar bunq, naar
        spaarrekening, send money, faster payment, bank transfer
    """,
    SALARY: """
        gehalt, gehaltszahlung, lohn, lohn gehalt, lohnzahlung, bezuege, besoldung, salary, wage,
        wages, payroll, paycheck, pay check, direct deposit, direct dep, salaire, salaris, loon,
        nomina, sueldo, stipendio, verguetung, weihnachtsgeld, urlaubsgeld, bonuszahlung, praemie
        gehalt, employer, income, darbo uzmokestis
    """,
    BENEFITS: """
        kindergeld, familienkasse, elterngeld, arbeitslosengeld, buergergeld, agentur fuer arbeit,
        bundesagentur fuer arbeit, jobcenter, wohngeld, rente, rentenversicherung, deutsche
        rentenversicherung, pension, state pension, universal credit, child benefit, social
        security, ssa treas, unemployment, caf, allocations, pole emploi, france travail, svb,
        uwv, toeslag, zorgtoeslag, kinderbijslag, aow, pensioen, pensione, inps, jubilacion,
        seguridad social, krankengeld, mutterschaftsgeld, stimulus
    """,
    INTEREST: """
        zinsen, habenzinsen, guthabenzinsen, zinsgutschrift, interest, interest paid, interest
        earned, interest payment, savings interest, credit interest, dividend, dividends,
        dividende, dividenden, dividendo, interets, intereses, interessi, creditrente,
        ausschuettung, cashback, cash back, cash back reward, reward, rewards
    """,
    SALES: """
        invoice payment, rechnung bezahlt, payout, stripe payout, stripe transfer, shopify payout,
        square inc deposit, paypal auszahlung, subscription update, sales, umsatzerloese,
        verkaufserloes, customer payment, kundenzahlung, settlement, auszahlung
    """,
    SAVINGS: """
        sparplan, sparen, sparkonto, tagesgeld, festgeld, savings, savings account, wertpapier,
        wertpapierkauf, depot, etf, fonds, fund, aktien, shares, stock purchase, investment,
        investments, brokerage, bitcoin, crypto, krypto, epargne, livret, spaarrekening, spaarrek,
        ahorro, risparmio, isa, 401k, roth ira, pension contribution, altersvorsorge, riester,
        ruerup, vermoegenswirksame leistungen, vwl, bausparen, kbc plusrekening, retirement
    """,
    ADVERTISING: """
        advertising, ads, werbung, anzeige, anzeigen, anzeigenschaltung, marketing, publicite,
        publicidad, reclame, sponsored, sponsoring, promotion, flyer
    """,
    OFFICE: """
        postage, porto, briefmarken, stamps, post office, postfiliale, paket, parcel, versand,
        versandkosten, shipping, courier, kurier, stationery, schreibwaren, buerobedarf, office
        supplies, papeterie, kantoorartikelen, drucker, printer, toner, printing, copyshop, copy
        shop, druckerei, fournitures bureau, freight, spedition
    """,
    SERVICES: """
        steuerberater, steuerberatung, rechtsanwalt, rechtsanwaelte, anwalt, anwaltskanzlei,
        kanzlei, notar, notary, notaire, notaris, lawyer, attorney, solicitor, solicitors, legal,
        avocat, advocaat, abogado, avvocato, accountant, accounting, accountancy, bookkeeping,
        buchhaltung, consulting, consultant, consultants, beratung, unternehmensberatung,
        freelancer, contractor, agency, agentur, wirtschaftspruefer, expert comptable, boekhouder,
        translation, uebersetzung, coaching, architect, architekt, gutachter, ihk, handelskammer,
        chamber of commerce, berufsgenossenschaft, profit distribution
    """,
}

STEMS: Mapping[str, str] = {
    GROCERIES: "supermarkt, lebensmittel, getraenke, metzger, fleischer, feinkost, biomarkt",
    EATING_OUT: """
        restaurant, gasthaus, gaststaette, baecker, baeckerei, pizz, imbiss, konditorei, brauhaus,
        burger, kebap, kebab, sushi, ristorante, coffee, steakhouse, eiscafe
    """,
    TRANSPORT: """
        parkhaus, parkplatz, verkehrsbetrieb, taxi, autohaus, reifen, fahrrad, werkstatt
    """,
    FUEL: "tankstelle, tankstation, autohof",
    TRAVEL: """
        hotel, hostel, flughafen, reisebuero, ferienwohnung, ferienhaus, airline, airways
    """,
    HOUSING: "hausverwaltung, wohnungsbau, wohnungsgenossenschaft, immobilien, wohnbau",
    UTILITIES: "stadtwerk, energieversorg, wasserwerk, abwasser, stromversorg, gemeindewerk",
    INSURANCE: "versicherung, assekuranz, haftpflicht",
    HEALTH: """
        apotheke, zahnarzt, krankenhaus, klinikum, krankenkasse, arztpraxis, pharma, dental, optik
    """,
    CARE: "friseur, kosmetik, drogerie, barber",
    CLOTHING: "schuhhaus, modehaus, juwelier, textil",
    HOME: "baumarkt, moebel, gartencenter, gaertnerei, blumen",
    ELECTRONICS: "elektronik, electronics",
    FUN: "kino, theater, museum, buchhandl, freizeitpark, festival",
    SPORT: "fitness, sportverein, kletter, schwimmbad",
    EDUCATION: "universitaet, hochschule, volkshochschule, fahrschule, akademie",
    CHILDREN: "kindergarten, kindertages, spielwaren, kita",
    PETS: "tierarzt, tierklinik, tiernahrung, hundeschule",
    GIVING: "spende, hilfswerk, stiftung",
    TAXES: "finanzamt, steueramt, finanzkasse",
    FEES: "kontofuehrung, kartengebuehr, abschlussentgelt",
    OFFICE: "schreibwaren, buerobedarf, druckerei",
    SERVICES: "rechtsanw, steuerberat, unternehmensberat, notariat",
    SAVINGS: "bausparkasse, sparplan, investment",
    SALARY: "gehalt, lohnzahlung",
}
