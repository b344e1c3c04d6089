"""The codes of languages of ISO 639-2: twenty have two, of which QuickTime knows one."""

# Of each language, the code that QuickTime's list has ("QuickTime File Format", language code values) comes first.
TWO = (
    *(("alb", "sqi"), ("arm", "hye"), ("baq", "eus"), ("bur", "mya"), ("chi", "zho"), ("ces", "cze"), ("dut", "nld")),
    *(("fra", "fre"), ("geo", "kat"), ("ger", "deu"), ("gre", "ell"), ("ice", "isl"), ("mac", "mkd"), ("may", "msa")),
    *(("per", "fas"), ("ron", "rum"), ("slk", "slo"), ("tib", "bod"), ("wel", "cym"), ("mao", "mri")),
)
_KNOWN = {other: known for known, other in TWO}


def in_quicktime(code: str) -> str:
    """Return the code of the same language that QuickTime knows, where it has two; else the code itself."""
    return _KNOWN.get(code, code)
