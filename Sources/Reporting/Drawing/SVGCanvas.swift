import Foundation

/// Writes SVG elements one after another. Text and attribute values are escaped; numbers have two digits.
struct SVGCanvas {
    let width: Double
    let height: Double
    private var body = ""

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// A complete picture on its own light background, readable on dark pages too.
    func document(title: String, description: String) -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" role="img" width="\(number(width))" height="\(number(height))" \
        viewBox="0 0 \(number(width)) \(number(height))" \
        font-family="Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif">
        <title>\(Self.escape(title))</title>
        <desc>\(Self.escape(description))</desc>
        <rect width="\(number(width))" height="\(number(height))" rx="6" fill="\(Ink.paper)"/>
        \(body)</svg>

        """
    }

    /// An element; attributes without a value are left out, `tooltip` becomes its `title`, `text` its text.
    mutating func add(
        _ name: String, _ attributes: KeyValuePairs<String, String>, tooltip: String? = nil, text: String? = nil
    ) {
        body += "<\(name)"
        for (key, value) in attributes where !value.isEmpty { body += " \(key)=\"\(Self.escape(value))\"" }
        if tooltip == nil && text == nil {
            body += "/>\n"
        } else {
            body += ">"
            if let text { body += Self.escape(text) }
            if let tooltip { body += "<title>\(Self.escape(tooltip))</title>" }
            body += "</\(name)>\n"
        }
    }

    mutating func line(
        _ from: (x: Double, y: Double), _ to: (x: Double, y: Double), stroke: String, width: Double = 1, class kind: String = "line"
    ) {
        add("line", [
            "class": kind, "x1": number(from.x), "y1": number(from.y), "x2": number(to.x), "y2": number(to.y),
            "stroke": stroke, "stroke-width": number(width),
        ])
    }

    /// Text whose baseline starts, ends or has its middle at the place; `halo` keeps it readable over lines.
    mutating func text(
        _ text: String, x: Double, y: Double, size: Double = 12, anchor: String = "start", fill: String = Ink.text,
        weight: String = "normal", rotated: Bool = false, halo: Bool = false, class kind: String = "text"
    ) {
        add("text", [
            "class": kind, "x": number(x), "y": number(y), "font-size": number(size), "text-anchor": anchor, "fill": fill,
            "font-weight": weight == "normal" ? "" : weight,
            "transform": rotated ? "rotate(-90 \(number(x)) \(number(y)))" : "", "stroke": halo ? Ink.paper : "",
            "stroke-width": halo ? "3" : "", "stroke-linejoin": halo ? "round" : "", "paint-order": halo ? "stroke" : "",
        ], text: text)
    }

    /// Replaces what XML gives a meaning to, and characters that XML 1.0 has no place for.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\n", "\r", "\t": escaped += " "
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// A coordinate with at most two digits after the point.
func number(_ value: Double) -> String {
    precondition(value.isFinite, "a coordinate must be finite")
    var text = decimal(value, digits: 2)
    if text.contains(".") {
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
    }
    return text
}

/// The width that text takes in a sans-serif face, in pixels: close enough for laying out.
func textWidth(_ text: String, size: Double) -> Double {
    var width = 0.0
    for character in text {
        switch character {
        case "i", "l", "j", ".", ",", ":", "'", "|", " ", "I", "f", "t", "r", "(", ")", "-": width += 0.34
        case "m", "w", "M", "W", "@": width += 0.87
        case _ where character.isUppercase || character == "#" || !character.isASCII: width += 0.7
        default: width += 0.56
        }
    }
    return width * size
}

/// `text`, shortened with an ellipsis where it is wider than `width`.
func shortened(_ text: String, to width: Double, size: Double) -> String {
    guard textWidth(text, size: size) > width else { return text }
    var kept = text
    while !kept.isEmpty, textWidth(kept + "…", size: size) > width { kept.removeLast() }
    return kept + "…"
}
