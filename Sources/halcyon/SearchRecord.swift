import Documents
import Execution
import Foundation

/// What one search on a table came to, of ours or of another program.
struct SearchRecord: Sendable {
    let experiment: String
    let strategy: String
    let seed: Int
    let places: [SearchRun.Place]
    /// Real seconds of the controller for each attempt; none of other programs.
    var thinkingSeconds: [Double] = []
    var repeatedCount = 0

    init(experiment: String, strategy: String, seed: Int, run: SearchRun) {
        (self.experiment, self.strategy, self.seed) = (experiment, strategy, seed)
        places = run.places
        thinkingSeconds = run.thinkingSeconds
        repeatedCount = run.repeatedCount
    }

    var document: Document {
        .object([
            ("experiment", .string(experiment)), ("strategy", .string(strategy)), ("seed", .int(seed)),
            ("costs", .array(places.map { .float($0.cost) })),
            ("ratios", .array(places.map { .float(($0.ratio * 1e6).rounded() / 1e6) })),
        ])
    }

    init(_ document: Document) throws {
        experiment = try document.required("experiment").string("experiment")
        strategy = try document.required("strategy").string("strategy")
        seed = try document.required("seed").int("seed")
        let ratios = try document.required("ratios").array("ratios").map { try $0.double("a ratio") }
        let costs = try document.required("costs").array("costs").map { try $0.double("a cost") }
        guard ratios.count == costs.count, !ratios.isEmpty else {
            throw document.fail("expected as many costs as ratios, and at least one")
        }
        places = zip(costs, ratios).map { SearchRun.Place(cost: $0, ratio: $1) }
    }

    /// Reads a file of records, one JSON object a line.
    static func load(_ path: String) throws -> [SearchRecord] {
        let data = try readInputFile(path, "a file of runs")
        return try data.split(separator: 0x0A).enumerated().map { index, line in
            guard let document = Data(line).withUnsafeBytes({ JSONReader.read($0) }) else {
                throw InputError("expected a JSON object", at: SourceLocation(file: path, line: index + 1))
            }
            do { return try SearchRecord(document) } catch let error as InputError {
                throw InputError(error.message, at: SourceLocation(file: path, line: index + 1), hint: error.hint)
            }
        }
    }

    /// The ratio when so many trials are complete, or so much is spent; 0 before the first.
    func ratio(at place: Double, byCost: Bool) -> Double {
        guard byCost else { return places.prefix(max(0, Int(place))).last?.ratio ?? 0 }
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle].cost <= place { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? places[low - 1].ratio : 0
    }

    func end(byCost: Bool) -> Double { byCost ? places.last?.cost ?? 0 : Double(places.count) }
}
