import Documents
import Trials

/// Architectures whose results are known. A candidate is looked up by its decisions; where a canonical map is given, by the key that
/// the map holds for them, so that several encodings are one architecture. What the table lacks is infeasible.
package final class Table: Sendable {
    package let description: TableDescription
    private let decisionColumns: [String]
    /// Rows by the text of their decisions.
    private let places: [String: Int]
    /// Of each row, its decisions as a document.
    private let architectures: [Document]
    /// Of each metric, level and seed the values of all rows.
    private let metrics: [Series]
    private let costs: [Series]
    private let seconds: Series?

    private struct Series: Sendable {
        var name: String
        /// By resource (nil: any), seed and row.
        var levels: [(resource: Int?, seeds: [[Double]])]

        func seeds(at resource: Int) -> [[Double]]? {
            levels.first { $0.resource == nil || $0.resource == resource }?.seeds
        }
    }

    package var count: Int { architectures.count }

    /// Reads the files. - Throws: `InputError` at the experiment's part or the file's line that is at fault.
    package init(_ description: TableDescription) throws {
        self.description = description
        let file: CSVFile
        do {
            file = try CSVFile(path: description.path)
        } catch let error as InputError where error.location == nil {
            throw description.pathSource.fail(error.message, hint: error.hint)
        }
        decisionColumns = description.decisions.map(\.column)
        let columns = try description.decisions.map { try file.place(of: $0.column, for: $0.source) }
        func text(_ row: Int, _ columns: [Int], of file: CSVFile) -> String {
            columns.map { Self.text(of: file.text(row, $0)) }.joined(separator: ",")
        }
        architectures = file.rows.map { row in
            .object(zip(description.decisions, columns).map { ($0.0.column, Self.document(file.text(row, $0.1))) })
        }
        var places: [String: Int] = [:]
        func add(_ name: String, _ row: Int, _ line: Int, _ path: String) throws {
            guard places.updateValue(row, forKey: name) == nil else {
                throw InputError(
                    "the decisions \(name) stand twice", at: SourceLocation(file: path, line: line), hint: "keep one of the rows")
            }
        }
        if let map = description.canonical {
            let key = try file.place(of: map.key, for: map.source)
            var rows: [String: Int] = [:]
            for row in file.rows {
                guard rows.updateValue(row, forKey: Self.text(of: file.text(row, key))) == nil else {
                    throw InputError(
                        "the key \(file.text(row, key)) stands twice",
                        at: SourceLocation(file: file.path, line: file.lines[row]),
                        hint: "keep one of the rows")
                }
            }
            let names = try CSVFile(path: map.path)
            let raw = try description.decisions.map { try names.place(of: $0.column, for: map.source) }
            let target = try names.place(of: map.key, for: map.source)
            for row in names.rows {
                let key = names.text(row, target)
                guard let found = rows[Self.text(of: key)] else {
                    throw InputError(
                        "\(file.path) has no row with \(map.key) \(key)",
                        at: SourceLocation(file: map.path, line: names.lines[row]),
                        hint: "leave out what is infeasible")
                }
                try add(text(row, raw, of: names), found, names.lines[row], map.path)
            }
        } else {
            for row in file.rows { try add(text(row, columns, of: file), row, file.lines[row], file.path) }
        }
        self.places = places
        func series(_ metric: TableDescription.Metric) throws -> Series {
            Series(
                name: metric.name,
                levels: try metric.levels.map { level in
                    (
                        level.resource,
                        try level.seeds.map { seed in
                            let columns = try seed.expression.columns.map { try file.place(of: $0, for: seed.source) }
                            return try file.rows.map { row in
                                let value = try seed.expression.value { try file.number(row, columns[$0]) }
                                guard value.isFinite else {
                                    throw InputError(
                                        "\"\(metric.name)\" is \(value) here",
                                        at: SourceLocation(file: file.path, line: file.lines[row]),
                                        hint: "correct the cells or the expression")
                                }
                                return value
                            }
                        }
                    )
                })
        }
        metrics = try description.metrics.map(series)
        costs = try description.costs.map(series)
        seconds = try description.seconds.map(series)
    }

    /// The row of a candidate, nil when the table has none.
    /// - Throws: `InputError` when the candidate lacks a decision.
    package func row(of candidate: Document) throws -> Int? {
        places[try decisionColumns.map { Self.text(of: try candidate.required($0)) }.joined(separator: ",")]
    }

    package func architecture(_ row: Int) -> Document { architectures[row] }

    package func costs(_ row: Int) -> [String: Double] {
        Dictionary(uniqueKeysWithValues: costs.map { ($0.name, $0.levels[0].seeds[0][row]) })
    }

    /// What a trial with this seed measures; nil when the table has no values at the resource.
    package func metrics(_ row: Int, resource: Int, seed: Int) -> [String: Double]? {
        var found: [String: Double] = [:]
        for metric in metrics {
            guard let seeds = metric.seeds(at: resource) else { return nil }
            found[metric.name] = seeds[seed % seeds.count][row]
        }
        return found
    }

    /// What all of the table's seeds measure in the mean, costs included.
    package func means(_ row: Int, resource: Int) -> [String: Double] {
        var found = costs(row)
        for metric in metrics {
            guard let seeds = metric.seeds(at: resource) else { continue }
            found[metric.name] = seeds.reduce(0) { $0 + $1[row] } / Double(seeds.count)
        }
        return found
    }

    /// Seconds of an attempt from one resource to another.
    package func duration(_ row: Int, from previous: Int, to resource: Int) -> Double {
        guard let seconds else { return Double(resource - previous) }
        let total = seconds.seeds(at: resource)?[0][row] ?? 0
        let before = seconds.levels.first { $0.resource == previous }?.seeds[0][row] ?? 0
        return max(0, total - before)
    }

    /// One text for all ways to write a value: 3, 3.0 and 03 are the same decision.
    private static func text(of cell: String) -> String {
        let utf8 = cell.utf8
        // Digits without a zero in front are what they are.
        if let first = utf8.first, utf8.count < 16, utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            first != 0x30 || utf8.count == 1
        {
            return cell
        }
        let word = cell.trimmingCharacters(in: .whitespaces)
        return Double(word).map(text) ?? word
    }

    private static func text(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? "\(number)" }

    private static func text(of value: Document) -> String {
        switch value.value {
        case .int(let number): String(number)
        case .float(let number): text(number)
        case .string(let word): text(of: word)
        default: value.json
        }
    }

    private static func document(_ cell: String) -> Document {
        let word = text(of: cell)
        if let number = Int(word) { return .int(number) }
        return Double(word).map(Document.float) ?? .string(word)
    }
}
