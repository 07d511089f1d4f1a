import Documents
import Foundation

/// A file of comma-separated values with a header: cells as text, lines counted from 1. Cells may stand in double quotes; there are no
/// line ends inside them.
struct CSVFile {
    let path: String
    let columns: [String]
    private(set) var rows: [(line: Int, cells: [Substring])] = []
    private let places: [String: Int]

    /// - Throws: `InputError`, at its line, for an empty file, a column that stands twice and a row of another width.
    init(path: String) throws {
        let data = try readInputFile(path, "a table of comma-separated values", limit: 1 << 30)
        guard let text = String(data: data, encoding: .utf8) else {
            throw InputError(
                file: path, "is not UTF-8 text", hint: "a table of comma-separated values is needed here: check the path")
        }
        var header: [String]?
        var line = 0
        // By bytes: to a String "\r\n" is one character.
        for whole in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            line += 1
            let words = Substring(whole.last == 0x0D ? whole.dropLast() : whole)
            if words.isEmpty { continue }
            let cells = Self.cells(words)
            guard let header else {
                header = cells.map { $0.trimmingCharacters(in: .whitespaces) }
                continue
            }
            guard cells.count == header.count else {
                throw InputError(
                    "\(cells.count) cells where the header has \(header.count)", at: SourceLocation(file: path, line: line),
                    hint: "every row needs a cell for each column")
            }
            rows.append((line, cells))
        }
        guard let header, !rows.isEmpty else {
            throw InputError(file: path, "has no rows", hint: "expected a header and rows below it")
        }
        for (index, name) in header.enumerated() where header[..<index].contains(name) {
            throw InputError(
                "the column \"\(name)\" stands twice", at: SourceLocation(file: path, line: 1), hint: "rename one of them")
        }
        self.path = path
        columns = header
        places = Dictionary(uniqueKeysWithValues: header.enumerated().map { ($1, $0) })
    }

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
        let (line, cells) = rows[row]
        guard let number = Double(cells[place]), number.isFinite else {
            throw InputError(
                "the column \"\(columns[place])\": expected a number, found \"\(cells[place].prefix(60))\"",
                at: SourceLocation(file: path, line: line), hint: "correct the cell or leave the row out")
        }
        return number
    }

    private static func cells(_ line: Substring) -> [Substring] {
        guard line.utf8.contains(0x22) else {
            return line.utf8.split(separator: 0x2C, omittingEmptySubsequences: false).map(Substring.init)
        }
        var cells: [Substring] = []
        var cell = ""
        var isQuoted = false
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                cells.append(Substring(cell))
                cell = ""
            default: cell.append(character)
            }
        }
        return cells + [Substring(cell)]
    }
}
