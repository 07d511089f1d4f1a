import Documents
import Foundation

/// A file of comma-separated values with a header: cells as text, lines counted from 1. Cells may stand in double quotes; there are no
/// line ends inside them.
struct CSVFile {
    let path: String
    let columns: [String]
    /// Of each row, the line that it stands on.
    let lines: [Int]
    private let bytes: [UInt8]
    /// Where each cell begins, and one behind its end, row after row.
    private let cells: [(begin: Int, end: Int)]
    private let places: [String: Int]

    private static let (comma, quote, newline, carriageReturn) = (UInt8(0x2C), UInt8(0x22), UInt8(0x0A), UInt8(0x0D))

    /// - Throws: `InputError`, at its line, for an empty file, a column that stands twice and a row of another width.
    init(path: String) throws {
        let bytes = Array(try readInputFile(path, "a table of comma-separated values", limit: 1 << 30))
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw InputError(
                file: path, "is not UTF-8 text", hint: "a table of comma-separated values is needed here: check the path")
        }
        var header: [String]?
        var (lines, cells) = ([Int](), [(begin: Int, end: Int)]())
        var (line, begin) = (0, 0)
        while begin <= bytes.count {
            line += 1
            let next = bytes[begin...].firstIndex(of: Self.newline) ?? bytes.count
            let end = next > begin && bytes[next - 1] == Self.carriageReturn ? next - 1 : next
            defer { begin = next + 1 }
            if end == begin { continue }
            let first = cells.count
            Self.cut(bytes, begin..<end, into: &cells)
            guard let header else {
                header = cells.map { Self.text(bytes, $0).trimmingCharacters(in: .whitespaces) }
                cells = []
                continue
            }
            guard cells.count - first == header.count else {
                throw InputError(
                    "\(cells.count - first) cells where the header has \(header.count)", at: SourceLocation(file: path, line: line),
                    hint: "every row needs a cell for each column")
            }
            lines.append(line)
        }
        guard let header, !lines.isEmpty else {
            throw InputError(file: path, "has no rows", hint: "expected a header and rows below it")
        }
        for (index, name) in header.enumerated() where header[..<index].contains(name) {
            throw InputError(
                "the column \"\(name)\" stands twice", at: SourceLocation(file: path, line: 1), hint: "rename one of them")
        }
        (self.path, self.bytes, self.lines, self.cells) = (path, bytes, lines, cells)
        columns = header
        places = Dictionary(uniqueKeysWithValues: header.enumerated().map { ($1, $0) })
    }

    /// The rows' numbers.
    var rows: Range<Int> { lines.indices }

    func text(_ row: Int, _ place: Int) -> String { Self.text(bytes, cells[row * columns.count + place]) }

    /// The column's place, asked for by a part of the experiment.
    /// - Throws: `InputError` at that part.
    func place(of column: String, for asker: Document) throws -> Int {
        guard let place = places[column] else {
            let hint = nearestWord(to: column, in: columns).map { "did you mean \"\($0)\"?" }
            throw asker.fail("\(path) has no column \"\(column)\"", hint: hint ?? "it has \(columns.joined(separator: ", "))")
        }
        return place
    }

    /// - Throws: `InputError` at the cell's line.
    func number(_ row: Int, _ place: Int) throws -> Double {
        let text = text(row, place)
        guard let number = Double(text), number.isFinite else {
            throw InputError(
                "the column \"\(columns[place])\": expected a number, found \"\(text.prefix(60))\"",
                at: SourceLocation(file: path, line: lines[row]), hint: "correct the cell or leave the row out")
        }
        return number
    }

    /// Appends the cells of a line: commas between quotes do not end one.
    private static func cut(_ bytes: [UInt8], _ line: Range<Int>, into cells: inout [(begin: Int, end: Int)]) {
        var (first, isQuoted) = (line.lowerBound, false)
        for index in line {
            let byte = bytes[index]
            if byte == quote { isQuoted.toggle() }
            if byte != comma || isQuoted { continue }
            cells.append((first, index))
            first = index + 1
        }
        cells.append((first, line.upperBound))
    }

    private static func text(_ bytes: [UInt8], _ cell: (begin: Int, end: Int)) -> String {
        let words = bytes[cell.begin..<cell.end]
        return String(decoding: words.contains(quote) ? words.filter { $0 != quote }[...] : words, as: UTF8.self)
    }
}
