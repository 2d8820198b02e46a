from lxml import etree, html, objectify


def handed_out():
    root = etree.XML("<a><b/></a>")
    return [root.getroottree, root.getchildren, root.__repr__, root.itertext]


def smoke():
    root = etree.fromstring("<a><b x='1'>t</b><b/></a>")
    assert root.xpath("//b[@x='1']/text()") == ["t"]
    assert etree.tostring(root) == b'<a><b x="1">t</b><b/></a>'
    style = etree.XSLT(
        etree.fromstring(
            '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
            '<xsl:template match="/"><n><xsl:value-of select="count(//b)"/></n></xsl:template></xsl:stylesheet>'
        )
    )
    assert str(style(root)).strip().endswith("<n>2</n>")
    page = html.fromstring("<p>one<a href='/x'>two</a>")
    page.make_links_absolute("http://h/")
    assert page.xpath("//a/@href") == ["http://h/x"]
    assert objectify.fromstring("<r><n>3</n></r>").n + 1 == 4
    try:
        etree.fromstring("<a>")
    except etree.XMLSyntaxError as error:
        assert error.lineno == 1
    else:
        raise AssertionError("well-formed?")
    import lxml.builder
    import lxml.isoschematron

    assert etree.tostring(lxml.builder.E.a("b")) == b"<a>b</a>"
    schema = lxml.isoschematron.Schematron(
        etree.fromstring(
            '<schema xmlns="http://purl.oclc.org/dsdl/schematron"><pattern><rule context="a">'
            '<assert test="b">no b</assert></rule></pattern></schema>'
        )
    )
    assert schema.validate(root)
    return [root, style, page]
