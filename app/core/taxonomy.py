"""The categories there are, and which way their money goes. Data only."""

GROCERIES, EATING_OUT, TRANSPORT, FUEL = "Groceries", "Eating out", "Transport", "Fuel"
TRAVEL, HOUSING, UTILITIES, PHONE = "Travel", "Housing", "Utilities", "Phone & internet"
INSURANCE, HEALTH, CLOTHING, SHOPPING = "Insurance", "Health", "Clothing", "Shopping"
HOME, ELECTRONICS, FUN, SUBSCRIPTIONS = (
    "Home & garden",
    "Electronics",
    "Entertainment",
    "Subscriptions",
)
SOFTWARE, SPORT, EDUCATION, CHILDREN = "Software", "Sport", "Education", "Children"
PETS, GIVING, TAXES, FEES = "Pets", "Donations & gifts", "Taxes", "Bank fees"
CASH, TRANSFERS, SALARY, INTEREST = "Cash", "Transfers", "Salary", "Interest & dividends"
SALES, WAGES, ADVERTISING, OFFICE = "Sales income", "Wages paid", "Advertising", "Office & post"
CARE, SERVICES, SAVINGS, BENEFITS = (
    "Personal care",
    "Professional services",
    "Savings & investments",
    "Benefits & pension",
)

CATEGORIES = (
    GROCERIES, EATING_OUT, TRANSPORT, FUEL, TRAVEL, HOUSING, UTILITIES, PHONE, INSURANCE, HEALTH,
    CLOTHING, SHOPPING, HOME, ELECTRONICS, FUN, SUBSCRIPTIONS, SOFTWARE, SPORT, EDUCATION,
    CHILDREN, PETS, GIVING, TAXES, FEES, CASH, TRANSFERS, SALARY, INTEREST, SALES, WAGES,
    ADVERTISING, OFFICE, CARE, SERVICES, SAVINGS, BENEFITS,
)  # fmt: skip

# Only money that comes in can be of these; only money that goes out of the others, except where
# it comes back.
INCOME = frozenset({SALARY, SALES, BENEFITS})
BOTH_WAYS = frozenset({TRANSFERS, INTEREST, SAVINGS, CASH, TAXES})
