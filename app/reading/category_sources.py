"""What exports call their categories, and which of ours that is. Data only."""

from collections.abc import Mapping

from app.core.taxonomy import (
    ADVERTISING,
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

# What exports call their categories, and what that is here. Everything else is taken as it is.
SOURCE_NAMES: Mapping[str, str] = {
    GROCERIES: """
        groceries, supermarkets, lebensmittel, lebensmittel supermarkt, haushalt lebensmittel,
        boodschappen, alimentation, courses, food & groceries, supermarkt
    """,
    EATING_OUT: """
        eating out, eating_out, restaurants, restaurants & bars, bars & restaurants, bars
        restaurants, food & drink, food and drink, food_and_drink, dining, meals, meals &
        entertainment, essen trinken, essen & trinken, restaurants cafes, food & dining, uit eten
    """,
    TRANSPORT: """
        transport, transportation, transport & car, transport auto, auto & transport, automotive,
        mobilitaet, public transport, parking, auto transport
    """,
    FUEL: "gas, fuel, gas fuel, tanken, gas & fuel",
    TRAVEL: """
        travel, holidays, holiday, airlines, hotel, hotels, reisen, travel & holidays, reisen
        urlaub, lodging, urlaub, reisekosten, vacation
    """,
    HOUSING: """
        rent, housing, home rent, mortgage, miete, wohnen, rent and utilities, mortgage & rent
    """,
    UTILITIES: """
        bills, utilities, bills & utilities, household & utilities, nebenkosten, energie, strom
    """,
    PHONE: """
        phone, internet, phone & internet, telecommunications, mobile phone, telephone,
        kommunikation
    """,
    INSURANCE: "insurance, insurances, insurances & finances, versicherungen, versicherung",
    HEALTH: """
        health, medical, healthcare, health & wellness, gesundheit, healthcare & drug stores,
        healthcare drug stores, gezondheid, pharmacy
    """,
    CARE: "personal care, personal_care, beauty, drogerie",
    SHOPPING: """
        shopping, merchandise, general merchandise, online shopping, einkaufen, department stores,
        shops
    """,
    CLOTHING: "clothing, clothes, kleidung, fashion",
    ELECTRONICS: """
        electronics, media & electronics, medien elektronik, medien & elektronik, computer,
        hardware
    """,
    HOME: "home, home improvement, household, haushalt, garden, home & garden, furniture",
    FUN: """
        entertainment, leisure, leisure & entertainment, freizeit, freizeit unterhaltung,
        unterhaltung, hobbies, gaming, vrije tijd
    """,
    SUBSCRIPTIONS: """
        subscriptions, subscription, subscriptions & donations, abos, abonnements, streaming
    """,
    SOFTWARE: "software, software & subscriptions, saas, hosting, it",
    SPORT: "sport, sports, fitness, gym",
    EDUCATION: "education, bildung, schule, training, education & training",
    CHILDREN: "children, kids, family, familie, kinder, childcare",
    PETS: "pets, haustiere, pet care",
    GIVING: """
        charity, donations, gifts, gifts & donations, geschenke, spenden, gifts donations
    """,
    TAXES: "tax, taxes, taxes & fees, steuern, steuern abgaben",
    FEES: """
        fees, bank fees, fees & adjustments, fees & charges, bank charges, bank fees & charges,
        gebuehren, service fee
    """,
    CASH: "cash, atm, cash & atm, cash atm, bargeld, atm withdrawal",
    TRANSFERS: """
        transfer, transfers, transfer in, transfer out, internal transfer, payment, credit card
        payment, umbuchung, ueberweisungen, bank transfer
    """,
    SALARY: """
        salary, income, wages, gehalt, lohn gehalt, paycheck, einkommen, payroll, inkomen
    """,
    INTEREST: "interest, dividends, interest income, zinsen, interest & dividends",
    SALES: "sales, revenue, sales income",
    SAVINGS: """
        savings, investments, savings & investments, sparen, sparen anlegen, sparen & anlegen
    """,
    ADVERTISING: "advertising, marketing, advertising & marketing, werbung",
    OFFICE: """
        office supplies, office, postage, shipping, office supplies & equipment, buerobedarf,
        shipping & postage
    """,
    SERVICES: """
        professional services, professional_services, legal, legal & professional, accounting,
        consulting
    """,
}

# Categories of an export that say nothing.
SAYS_NOTHING = """
    general, other, others, misc, miscellaneous, uncategorized, uncategorised, unknown, none, n/a,
    sonstiges, sonstige, nicht kategorisiert, divers, autre, overig, overige, otros, altro,
    expenses, expense, ausgaben, personal, business, platba, to be categorised, undefined
"""
