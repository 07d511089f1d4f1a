/// A reader for JSON as programs write it, some hundred times quicker than the YAML parser: a study of a million trials has
/// many millions of lines. Its values have no locations.
package struct JSONReader {
    private let bytes: UnsafeRawBufferPointer
    private let omitted: [String]
    private var place = 0
    private static let deepest = 200

    private init(_ bytes: UnsafeRawBufferPointer, _ omitted: [String]) {
        self.bytes = bytes
        self.omitted = omitted
    }

    /// The document, or nil when the bytes are anything but one well-formed JSON value: then the YAML parser tells where.
    /// - Parameter omitting: fields of the outermost object whose values are passed over and read as null.
    package static func read(_ bytes: UnsafeRawBufferPointer, omitting: [String] = []) -> Document? {
        var reader = JSONReader(bytes, omitting)
        guard let document = reader.value(depth: 0) else { return nil }
        reader.passSpace()
        return reader.place == bytes.count ? document : nil
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func passSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard place + count <= bytes.count else { return false }
        for index in 0..<count where bytes[place + index] != word.utf8Start[index] { return false }
        place += count
        return true
    }

    private mutating func value(depth: Int) -> Document? {
        guard depth <= Self.deepest else { return nil }
        passSpace()
        switch next {
        case 0x7B: return object(depth: depth)
        case 0x5B: return array(depth: depth)
        case 0x22: return string().map { Document(.string($0)) }
        case 0x74: return take("true") ? Document(.bool(true)) : nil
        case 0x66: return take("false") ? Document(.bool(false)) : nil
        case 0x6E: return take("null") ? Document(.null) : nil
        default: return number()
        }
    }

    private mutating func object(depth: Int) -> Document? {
        place += 1
        var fields: [Document.Field] = []
        passSpace()
        if take(0x7D) { return Document(.object([])) }
        while true {
            passSpace()
            guard next == 0x22, let key = string() else { return nil }
            // A key that stands twice is an error, which the other parser tells.
            if fields.contains(where: { $0.key == key }) { return nil }
            passSpace()
            guard take(0x3A) else { return nil }
            if depth == 0, omitted.contains(key) {
                passSpace()
                guard pass() else { return nil }
                fields.append(Document.Field(key, .null))
            } else {
                guard let value = value(depth: depth + 1) else { return nil }
                fields.append(Document.Field(key, value))
            }
            passSpace()
            if take(0x2C) { continue }
            return take(0x7D) ? Document(.object(fields)) : nil
        }
    }

    private mutating func array(depth: Int) -> Document? {
        place += 1
        var items: [Document] = []
        passSpace()
        if take(0x5D) { return Document(.array([])) }
        while true {
            guard let item = value(depth: depth + 1) else { return nil }
            items.append(item)
            passSpace()
            if take(0x2C) { continue }
            return take(0x5D) ? Document(.array(items)) : nil
        }
    }

    /// Passes over one value without reading it: brackets are balanced and texts closed.
    private mutating func pass() -> Bool {
        var depth = 0
        while let byte = next {
            switch byte {
            case 0x22:
                guard passString() else { return false }
                if depth == 0 { return true }
            case 0x7B, 0x5B:
                depth += 1
                place += 1
            case 0x7D, 0x5D:
                if depth == 0 { return true }
                depth -= 1
                place += 1
                if depth == 0 { return true }
            case 0x2C where depth == 0: return true
            default: place += 1
            }
        }
        return false
    }

    private mutating func passString() -> Bool {
        place += 1
        while let byte = next {
            place += byte == 0x5C ? 2 : 1
            if byte == 0x22 { return true }
        }
        return false
    }

    private mutating func string() -> String? {
        place += 1
        let begin = place
        var union: UInt8 = 0
        while let byte = next, byte != 0x22, byte != 0x5C, byte >= 0x20 {
            union |= byte
            place += 1
        }
        if next == 0x22 {
            let plain = UnsafeRawBufferPointer(rebasing: bytes[begin..<place])
            place += 1
            return union < 0x80 ? String(decoding: plain, as: UTF8.self) : String(validating: plain, as: UTF8.self)
        }
        var units = Array(bytes[begin..<place])
        while let byte = next {
            guard byte >= 0x20 else { return nil }
            place += 1
            if byte == 0x22 { return String(validating: units, as: UTF8.self) }
            guard byte == 0x5C else {
                units.append(byte)
                continue
            }
            guard let escape = next else { return nil }
            place += 1
            switch escape {
            case 0x22, 0x5C, 0x2F: units.append(escape)
            case 0x62: units.append(0x08)
            case 0x66: units.append(0x0C)
            case 0x6E: units.append(0x0A)
            case 0x72: units.append(0x0D)
            case 0x74: units.append(0x09)
            case 0x75:
                guard let scalar = escapedScalar() else { return nil }
                units += Array(String(Character(scalar)).utf8)
            default: return nil
            }
        }
        return nil
    }

    /// The four digits after `\u`, and a second escape where they are the first half of a pair.
    private mutating func escapedScalar() -> Unicode.Scalar? {
        guard let first = hexadecimal() else { return nil }
        if (0xD800...0xDBFF).contains(first) {
            guard take("\\u"), let second = hexadecimal(), (0xDC00...0xDFFF).contains(second) else { return nil }
            return Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        }
        return Unicode.Scalar(first)
    }

    private mutating func hexadecimal() -> UInt32? {
        guard place + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[place])).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
            place += 1
        }
        return value
    }

    /// A JSON number: an integer that fits is one, everything else a floating-point number.
    private mutating func number() -> Document? {
        let begin = place
        var isInteger = true
        let negative = take(0x2D)
        guard let first = next, (0x30...0x39).contains(first) else { return nil }
        var magnitude: UInt64 = 0
        var fits = true
        while let byte = next, (0x30...0x39).contains(byte) {
            let (product, over) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
            if over || carry { fits = false }
            magnitude = sum
            place += 1
        }
        if first == 0x30, place - begin > (negative ? 2 : 1) { return nil }
        if take(0x2E) {
            isInteger = false
            guard passDigits() else { return nil }
        }
        if next == 0x65 || next == 0x45 {
            isInteger = false
            place += 1
            if next == 0x2B || next == 0x2D { place += 1 }
            guard passDigits() else { return nil }
        }
        if isInteger, fits {
            if !negative, let value = Int(exactly: magnitude) { return Document(.int(value)) }
            if negative, magnitude <= UInt64(Int.max) { return Document(.int(-Int(magnitude))) }
        }
        return Double(String(decoding: bytes[begin..<place], as: UTF8.self)).map { Document(.float($0)) }
    }

    private mutating func passDigits() -> Bool {
        let begin = place
        while let byte = next, (0x30...0x39).contains(byte) { place += 1 }
        return place > begin
    }
}
