"""The name of a payee without what banks and terminals print around it. Pure.

"SQ *BLUE BOTTLE COFFEE 0417", "Blue Bottle Coffee Inc." and "BLUE BOTTLE COFFEE" are one name.
"""

import re
import unicodedata

LONGEST = 80

PURPOSE_MARK = "\x1f"
"""Stands in a label's text between the payee and a word of what the payment was for."""

PAYPAL_SHOP = r"(?i)\b(?:einkauf bei|purchase at|achat chez|aankoop bij)\s+(.*[^\s,;])"
"""Finds the shop that was paid, in the purpose of a payment to PayPal."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Services that stand before the star of "PAYPAL *STEAM": the shop is what comes after it.
PROCESSORS = _words(
    "paypal pp ppl sq sumup sp tst zettle izettle iz klarna stripe wl cko mollie adyen paddle"
    " paddle.net fs 2co.com crv in ic eb bt dd py lsq gosq square toast clover payu ppro"
    " worldline ccv viva payone nexi satispay google wpy www int'l bill card visa mc pos bkg"
    " ebay"
)
# Services that are themselves whom the money goes to, whatever the star is followed by.
STAR_KEEPS = _words(
    "uber lyft amzn amazon airbnb adobe apple microsoft msft facebk meta netflix spotify"
)
ALIASES = {"amzn": "amazon", "msft": "microsoft", "facebk": "facebook", "wholefds": "wholefoods"}

WHOLE = {"paypal europe": "paypal", "amazon payments": "amazon", "amazon eu": "amazon"}

LEGAL = _words(
    "gmbh mbh ag kg kgaa ohg ug ek ev eg se gbr ltd limited llc llp lp inc incorporated corp"
    " corporation co company plc sa sas sarl rl eurl sasu snc sca scs bv nv vof cv spa srl"
    " srls sapa sl slu sau sll lda ltda oy oyj ab as asa aps ans hf ehf kft zrt nyrt bt sro"
    " spol doo dd sp zoo pty pte sdn bhd kk gk pvt"
)
JOINERS = _words("& and und et y e en i the")
COUNTRIES = _words(
    "de at ch fr nl be lu it es pt gb uk ie us usa ca au nz se no dk fi pl cz sk hu si hr ro"
    " bg gr ee lv lt sg hk jp in deu aut che fra nld bel lux ita esp prt gbr irl swe nor dnk"
    " fin pol cze sgp can aus eu lnd deutschland germany france nederland osterreich"
    " oesterreich austria schweiz switzerland espana italia belgium"
)
CITIES = _words(
    "berlin hamburg munchen muenchen koln koeln frankfurt stuttgart dusseldorf duesseldorf"
    " leipzig dresden bremen hannover nurnberg nuernberg essen dortmund bonn wien graz linz"
    " salzburg zurich zuerich basel bern geneve london manchester birmingham leeds glasgow"
    " edinburgh bristol dublin cork paris lyon marseille toulouse lille bordeaux amsterdam"
    " rotterdam utrecht eindhoven denhaag brussels brussel bruxelles antwerpen gent milano"
    " roma torino madrid barcelona valencia lisboa porto warszawa krakow praha budapest"
    " stockholm kobenhavn copenhagen oslo helsinki seattle chicago boston austin dallas"
    " houston denver portland atlanta miami toronto vancouver montreal sydney melbourne"
    " singapore online internet"
)
# What terminals and banks write around a name, in several languages.
NOISE = _words(
    "kartenzahlung kartenumsatz lastschrift sepa basislastschrift folgelastschrift"
    " erstlastschrift pos atm ec girocard sagt danke dankt dank kauf einkauf zahlung ihr bei"
    " kfn vj eref mref cred svwz abwa iban bic ref vom uhr achat paiement carte cb prlv"
    " virement facture purchase debit contactless payment pmt pymt pur chk crd mktp"
    " marketplace betaalautomaat betaling pasvolgnr pinbetaling incasso compra pago tarjeta"
    " pagamento acquisto carta bancomat transaction trn txn fil filiale store stores branch"
    " terminal at bill usd eur gbp chf cad aud sek nok dkk pln czk huf jpy"
    " ltl online pirkinys"
)
KEPT_NUMBERS = _words("o2 n26 c24 3m 7eleven 1und1 1&1 a1 g2a h2o k2o 24h 1password 99designs")
# A kind of shop is no name: a town or a number after it tells one from another.
GENERIC = _words(
    "hotel restaurant cafe bar kiosk apotheke pharmacy pharmacie stadtwerke sparkasse"
    " volksbank backerei baeckerei bakery taxi parking parkhaus museum university stadt city"
    " gemeinde landkreis finanzamt rathaus kino cinema markt market supermarkt shop studio"
    " tankstelle praxis school flughafen airport bahnhof station hostel pizzeria trattoria"
)

_MARKS = ',;:/\\|()[]{}<>"“”„!?=+#_~^-–—•·@\t\n\r'
_SPACED: dict[int, str | None] = dict.fromkeys(map(ord, _MARKS), " ")
_SPACED.update(dict.fromkeys(map(ord, "'`´’‘")))  # "Luigi's" is one word
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l"}
)
_TLD = _words("com de net org io co uk eu fr nl at ch it es be ie us app shop dev ai")
_PAYPAL = re.compile(r"pp\.\d+\.pp\s*\.?\s*")
_APART = re.compile(r"[\s*,;:/\\|()\[\]{}<>\"#_+=@-]+")
_WORD = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"\d")
_VOWEL = re.compile(r"[aeiouy]")


def folded(text: str) -> str:
    """Return `text` in small letters without accents; German umlauts become two letters."""
    low = text.casefold()
    if low.isascii():
        return low
    low = unicodedata.normalize("NFC", low).translate(_UMLAUTS)
    if low.isascii():
        return low
    return "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))


def accented_words(text: str) -> frozenset[str]:
    """Return the words of `text`, folded, that are written with accents; umlauts are none."""
    if text.isascii():
        return frozenset()
    low = unicodedata.normalize("NFC", text.casefold()).translate(_UMLAUTS)
    return frozenset(folded(word) for word in _WORD.findall(low) if not word.isascii())


def with_purpose(text: str) -> tuple[str, str]:
    """Take a label's text apart: the payee, and what for or "".

    A label is told apart by both, because "Jane Doe, rent" and "Jane Doe, gift" are not the same.
    """
    payee, _, purpose = text.partition(PURPOSE_MARK)
    return payee, purpose


def payee_key(text: str) -> str:
    """Return the name under which `text` is one with others; "" when it holds no name."""
    return " ".join(payee_words(folded(text)))


def payee_words(low: str) -> list[str]:
    """Return the words of the name in `low`, a folded text."""
    if "*" in low:
        low = _around_star(low)
    elif low.startswith("pp."):
        low = _PAYPAL.sub("", low, count=1)
    words: list[str] = []
    for word in low.translate(_SPACED).split():
        if "." in word:
            words += _dotted(word)
        else:
            words.append(word)
    kept = [ALIASES.get(w, w) for w in words if w not in NOISE and not _is_number(w)]
    if len(kept) > 1:
        kept = list(dict.fromkeys(kept))
        first = WHOLE.get(" ".join(kept[:2]))
        if first is not None:
            return [first]
    return _without_tail(kept)


def _around_star(low: str) -> str:
    """Return the side of the first star on which the name stands."""
    head, _, tail = low.partition("*")
    before, tail = head.strip(" _").split(), tail.strip(" *")
    after = tail.split()
    if not before or not after:
        return tail if after else head
    service = before[-1]
    if service in STAR_KEEPS or before[0] in STAR_KEEPS:
        return head
    if service in PROCESSORS:
        return tail
    # An unknown service: the name is before the star when what follows is only a code.
    first = after[0]
    return head if _DIGIT.search(first) or not _VOWEL.search(first) else f"{head} {tail}"


def _dotted(word: str) -> list[str]:
    """Take a word with dots apart: "netflix.com", "b.v.", "st.gallen", "16.09."."""
    together = word.replace(".", "")
    if together in LEGAL or not together:
        return [together] if together else []
    parts = [part for part in word.split(".") if part]
    while len(parts) > 1 and parts[-1] in _TLD:
        parts.pop()
    if len(parts) > 1 and parts[0] in ("www", "help", "shop", "pay", "store"):
        parts.pop(0)
    if len(parts) > 1 and all(len(part) == 1 for part in parts):
        return [together]
    return parts


def _is_number(word: str) -> bool:
    """Tell whether a word is a date, time, amount, branch, card or reference, not a name."""
    return not word.isalpha() and (
        (_DIGIT.search(word) is not None and word not in KEPT_NUMBERS) or not word.strip("&%$€£*.")
    )


def _without_tail(words: list[str]) -> list[str]:
    """Leave out what stands behind a name: legal form, country, and the town before a country."""
    kept = list(words)
    country = False
    while len(kept) > 1:
        last = kept[-1]
        if last in LEGAL or last in JOINERS:
            kept.pop()
        elif last in COUNTRIES and not country and len(kept) > 1:
            kept.pop()
            country = True
        elif country and last in CITIES and not (len(kept) == 2 and kept[0] in GENERIC):
            kept.pop()
        else:
            break
    if len(kept) == 1 and len(kept[0]) > 8 and kept[0].endswith("gmbh"):
        kept[0] = kept[0].removesuffix("gmbh")
    elif kept and len(kept[-1]) > 8 and kept[-1].endswith("gmbh"):
        kept[-1] = kept[-1].removesuffix("gmbh")
    return kept


def payee_name(text: str, key: str) -> str:
    """Return how to show the payee of `text`: its own spelling of the words of `key`.

    All-capitals, as terminals write, become capitalised words.
    """
    wanted = key.split()
    whole = " ".join(text.split())
    if folded(whole).translate(_SPACED).split() == wanted:
        words = whole.split(" ")  # nothing was left out: hyphens and dots stay too
    else:
        spelled: dict[str, str] = {}
        for word in _APART.split(text):
            bare = word.strip(".'")
            spelled.setdefault(folded(bare).translate(_SPACED), bare)
        words = [spelled.get(word) or word.capitalize() for word in wanted]
    if all(word == word.upper() or word == word.lower() for word in words):
        words = [word if _is_initials(word, words) else word.capitalize() for word in words]
    return " ".join(words)[:LONGEST]


def _is_initials(word: str, words: list[str]) -> bool:
    """Tell "DB", "H&M" and a lone "TUI" from a short word in capitals, such as "AIR"."""
    short = len(word) <= 3 and word == word.upper()
    return short and (len(words) == 1 or _VOWEL.search(word.lower()) is None)
