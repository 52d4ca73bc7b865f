"""Makes the samples beside it, once: python -m pip install openpyxl==3.1.5 xlsxwriter==3.3.1; python make.py.

Excel's are written by XlsxWriter, which writes what Excel does. Those of WPS, Numbers and POI are written part by
part, with the habits of those programs that a reader stumbles over.
"""

import datetime
import zipfile
from pathlib import Path

import openpyxl
import xlsxwriter

HERE = Path(__file__).parent
HEADER = ["姓名", "手机号", "公司", "职位", "备注", "生日", "标签"]
DAY = datetime.date(2026, 3, 1)
ROWS = [
    ["王敏", 13812345678, "青岛云岭贸易有限公司", "总监", "第一行\n第二行, 含\"引号\"", DAY, "展会"],
    ["Anna Smith", "+86 139-0000-0002", "Smith; Sons", "CEO", "=1+1", DAY, ""],
    ["李四", 13700000003, "", "", "", None, "展会、老客户"],
]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def csv_text(delimiter):
    def cell(value):
        text = "" if value is None else str(value)
        return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in (delimiter, '"', "\n")) else text

    return "".join(delimiter.join(map(cell, row)) + "\r\n" for row in [HEADER, *ROWS])


def excel(name, **options):
    """A title over merged cells, an empty row, an empty first sheet, numbers as numbers, a formula."""
    book = xlsxwriter.Workbook(HERE / name, options)
    book.set_properties({"created": datetime.datetime(2026, 11, 27)})
    book.add_worksheet("说明")
    sheet, date = book.add_worksheet("客户"), book.add_format({"num_format": "yyyy/m/d"})
    sheet.merge_range("A1:G1", "2026年客户名单", book.add_format({"bold": True}))
    sheet.write_row("A3", HEADER)
    for row, values in enumerate(ROWS, 3):
        for column, value in enumerate(values):
            if isinstance(value, datetime.date):
                sheet.write_datetime(row, column, datetime.datetime.combine(value, datetime.time()), date)
            elif value is not None and value != "":
                sheet.write(row, column, value) if value != "=1+1" else sheet.write_formula(row, column, value, None, 2)
    book.close()


def openpyxl_book(name):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [HEADER, *ROWS]:
        sheet.append(["'=1+1" if value == "=1+1" else value for value in row])
    book.save(HERE / name)


def raw(name, sheets, strings="", styles="", hidden=()):
    """A workbook from the XML of its sheets."""
    names = list(sheets)
    states = ["" if sheet not in hidden else ' state="hidden"' for sheet in names]
    listed = "".join(f'<sheet name="{sheet}" sheetId="{n}"{state} r:id="rId{n}"/>' for n, (sheet, state) in enumerate(zip(names, states), 1))
    targets = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)]
    targets += [("rIdS", "styles", "styles.xml"), ("rIdT", "sharedStrings", "sharedStrings.xml")]
    relations = "".join(f'<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{target}"/>' for id, kind, target in targets)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
    }
    for number, xml in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{xml}</sheetData></worksheet>'
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, xml in parts.items():
            archive.writestr(zipfile.ZipInfo(part, (2026, 11, 27, 0, 0, 0)), '<?xml version="1.0" encoding="UTF-8"?>\n' + xml, zipfile.ZIP_DEFLATED)


STYLES = '<numFmts count="1"><numFmt numFmtId="176" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@"/></numFmts><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="176" applyNumberFormat="1"/></cellXfs>'


def wps():
    """Pinyin beside names, text in several runs, a hidden sheet for pictures, a Chinese format of days."""
    strings = "".join(f"<si><t>{text}</t></si>" for text in HEADER)
    strings += '<si><t>王敏</t><rPh sb="0" eb="2"><t>wáng mǐn</t></rPh></si><si><r><t>青岛云岭</t></r><r><rPr><b/></rPr><t xml:space="preserve">贸易 有限公司</t></r></si>'
    header = "".join(f'<c r="{letter}1" t="s"><v>{n}</v></c>' for n, letter in enumerate("ABCDEFG"))
    row = '<row r="2"><c r="A2" t="s"><v>7</v></c><c r="B2"><v>13812345678</v></c><c r="C2" t="s"><v>8</v></c><c r="F2" s="1"><v>46082</v></c><c r="G2" s="1"/></row>'
    hidden = '<row r="1"><c r="A1" t="inlineStr"><is><t>=DISPIMG("ID_1",1)</t></is></c></row>'
    raw("wps.xlsx", {"WpsReserved_CellImgList": hidden, "Sheet1": f'<row r="1">{header}</row>{row}<row r="9"><c r="A9" t="inlineStr"><is><t>李四</t></is></c></row>'}, strings, STYLES, {"WpsReserved_CellImgList"})


def numbers():
    """A summary in front, and a name of the table in the name of the sheet."""
    summary = '<row r="1"><c r="A1" t="inlineStr"><is><t>This document was exported from Numbers.</t></is></c></row>'
    header = "".join(f'<c r="{letter}1" t="inlineStr"><is><t>{text}</t></is></c>' for letter, text in zip("ABCDEFG", HEADER))
    row = '<row r="2"><c r="A2" t="inlineStr"><is><t>王敏</t></is></c><c r="B2"><v>13812345678</v></c><c r="F2" s="1"><v>46082</v></c></row>'
    raw("numbers.xlsx", {"Export Summary": summary, "工作表 1 - 客户": f'<row r="1">{header}</row>{row}'}, "", STYLES)


def poi():
    """No places of rows and cells, numbers with exponents, results of formulas, errors, truth."""
    cells = ['<c t="inlineStr"><is><t>王敏</t></is></c>', "<c><v>1.3812345678E10</v></c>", '<c t="str"><f>A1</f><v>青岛</v></c>', '<c t="e"><v>#N/A</v></c>', '<c t="b"><v>1</v></c>', "<c><v>0.30000000000000004</v></c>"]
    raw("poi.xlsx", {"Sheet0": f'<row>{"".join(cells)}</row><row>{cells[0]}</row>'}, "", STYLES)


def bomb(name, size):
    """A small file with a part of this many bytes."""
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>' + "a" * size + "</t></is></c></row>"
    raw(name, {"Sheet1": row})


if __name__ == "__main__":
    excel("excel.xlsx")
    excel("excel_1904.xlsx", date_1904=True)
    openpyxl_book("openpyxl.xlsx")
    wps()
    numbers()
    poi()
    (HERE / "gbk.csv").write_bytes(csv_text(",").encode("gbk"))
    (HERE / "utf8_bom.csv").write_bytes(csv_text(",").encode("utf-8-sig"))
    (HERE / "semicolons.csv").write_bytes(csv_text(";").encode("utf-8"))
    (HERE / "unicode.txt").write_bytes(b"\xff\xfe" + csv_text("\t").encode("utf-16-le"))
    bomb("bomb.xlsx", 20 << 20)
