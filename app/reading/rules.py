"""What the scan looks for, as YARA rules of our own, compiled once per process.

`severity` is "block" (real malware: the file is set aside) or "warn" (content that could act in
an office program; we only read values). `head` rules count at the start of a file or member only.
"""

from functools import cache

import yara_x

RULES = r"""
rule eicar_test_file {
    meta:
        severity = "block"
        finding = "the EICAR test file"
    strings:
        $text = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
        $wide = "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*" wide
    condition:
        any of them
}

rule windows_program : head {
    meta:
        severity = "block"
        finding = "a Windows program"
    strings:
        $stub = "This program cannot be run in DOS mode"
        $old = "This program must be run under Win32"
    condition:
        uint16(0) == 0x5A4D and uint16(0x3E) == 0
        and (uint32(uint32(0x3C)) == 0x00004550 or $stub or $old)
}

rule embedded_windows_program {
    meta:
        severity = "block"
        finding = "a Windows program inside"
    strings:
        $program = { 4D 5A [38-126] 54 68 69 73 20 70 72 6F 67 72 61 6D 20
                     63 61 6E 6E 6F 74 20 62 65 20 72 75 6E 20 69 6E 20 44 4F 53 20 6D 6F 64 65
                     [0-400] 50 45 00 00 }
    condition:
        $program
}

rule linux_program : head {
    meta:
        severity = "block"
        finding = "a Linux program"
    condition:
        uint32(0) == 0x464C457F
}

rule macos_program : head {
    meta:
        severity = "block"
        finding = "a macOS program"
    condition:
        uint32be(0) == 0xCFFAEDFE or uint32be(0) == 0xCEFAEDFE
        or (uint32be(0) == 0xCAFEBABE and uint32be(4) < 0x20)
}

rule windows_shortcut : head {
    meta:
        severity = "block"
        finding = "a Windows shortcut"
    condition:
        uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200
}

rule script_dropper : head {
    meta:
        severity = "block"
        finding = "a script that starts programs"
    strings:
        $shebang = /^\s{0,8}#!\s?\/(usr\/)?(local\/)?bin\//
        $batch = /^\s{0,8}@echo off/ nocase
        $hta = "<HTA:APPLICATION" nocase
        $shell = "WScript.Shell" nocase
        $create = /CreateObject\s?\(|new ActiveXObject\s?\(/ nocase
        $script = "<script" nocase
        $basic = /^\s{0,8}(dim|set|sub|on error)\s/ nocase
    condition:
        $shebang at 0 or $batch at 0 or $hta in (0..512)
        or ($shell and $create and ($script in (0..1024) or $basic at 0))
}

rule powershell_loader {
    meta:
        severity = "warn"
        finding = "text that starts PowerShell"
    strings:
        $shell = "powershell" nocase
        $encoded = /-enc(odedcommand)?\s{1,4}[A-Za-z0-9+\/]{40}/ nocase
        $download = /DownloadString|DownloadFile|Invoke-Expression|Invoke-WebRequest/ nocase
        $iex = /\bIEX\s{0,2}[($]/ nocase
    condition:
        $shell and ($encoded or $download or $iex)
}

rule macros : head {
    meta:
        severity = "warn"
        finding = "macros (VBA)"
    strings:
        $project = "_VBA_PROJECT" wide
    condition:
        uint32be(0) == 0xD0CF11E0 and $project
}

rule macro_sheet {
    meta:
        severity = "warn"
        finding = "an Excel 4.0 macro sheet"
    strings:
        $sheet = "<xm:macrosheet"
    condition:
        $sheet
}

rule dde_link {
    meta:
        severity = "warn"
        finding = "a link that starts a program (DDE)"
    strings:
        $link = "<ddeLink"
        $cell = /<f[ >]/
        $shell = /(cmd|powershell|mshta|rundll32|regsvr32)(\.exe)?\|/ nocase
        $office = /(msexcel|msword|winword|excel)(\.exe)?\|/ nocase
    condition:
        $link or ($cell and ($shell or $office))
}

rule remote_template {
    meta:
        severity = "warn"
        finding = "a part that is loaded from elsewhere"
    strings:
        $object = /\/oleObject"[^>]{0,600}TargetMode="External"/
        $template = /\/attachedTemplate"[^>]{0,600}TargetMode="External"/
        $frame = /\/(frame|subDocument)"[^>]{0,600}TargetMode="External"/
        $reversed = /TargetMode="External"[^>]{0,600}\/(oleObject|attachedTemplate|frame)"/
    condition:
        any of them
}

rule packaged_program {
    meta:
        severity = "warn"
        finding = "a packaged file (OLE object)"
    strings:
        $package = "Ole10Native" wide
    condition:
        $package
}

rule equation_object {
    meta:
        severity = "warn"
        finding = "an Equation Editor object, which attacks on Office use"
    strings:
        $class = { 02 CE 02 00 00 00 00 00 C0 00 00 00 00 00 00 46 }
        $name = "Equation.3" nocase
        $native = "Equation Native" wide
    condition:
        $class and ($name or $native)
}

rule pdf_javascript : head {
    meta:
        severity = "warn"
        finding = "a PDF with JavaScript"
    strings:
        $action = /\/S\s*\/JavaScript/
        $launch = /\/S\s*\/Launch/
    condition:
        uint32be(0) == 0x25504446 and any of them
}
"""

# Where a cell may begin like a formula; formulas.py looks at each hit more closely.
FORMULA_RULES = r"""
rule formula_cell {
    strings:
        $equals = /[,;|\t\n\r"' ~^]=[A-Za-z0-9_(+@"'{\[\\-]/
        $call = /[,;|\t\n\r"' ~^][+@-][A-Za-z][A-Za-z0-9_.]{0,40}\(/
        $shell = /(cmd|powershell|mshta|rundll32|regsvr32|calc)(\.exe)?\s?\|/ nocase
        $office = /(msexcel|msword|winword|excel|iexplore)(\.exe)?\s?\|/ nocase
    condition:
        any of them
}
"""


@cache
def malware_rules() -> yara_x.Rules:
    """Return the compiled rules; about 25 ms the first time."""
    return yara_x.compile(RULES)


@cache
def formula_rules() -> yara_x.Rules:
    return yara_x.compile(FORMULA_RULES)


@cache
def rule_count() -> int:
    """How many rules a file is held against; compiles them all the first time."""
    return len(list(malware_rules())) + len(list(formula_rules()))
