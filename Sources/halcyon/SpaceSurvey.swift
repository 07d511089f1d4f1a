import Documents
import Networks
import RandomStreams
import Reporting
import SearchSpaces
import Trials

/// What samples of a space cost, by family, and how many of them an experiment's constraints let in. Nothing is trained.
struct SpaceSurvey {
    static let metrics = ["parameters", "macs", "peak_bytes"]

    struct Sample {
        var family: String
        var metrics: [String: Double]
    }

    /// Lowest, middle and highest value.
    struct Spread {
        var minimum: Double
        var median: Double
        var maximum: Double

        init?(_ values: [Double]) {
            let sorted = values.sorted()
            guard let first = sorted.first, let last = sorted.last else { return nil }
            let middle = sorted.count / 2
            minimum = first
            median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
            maximum = last
        }

        var document: Document { ["minimum": .float(minimum), "median": .float(median), "maximum": .float(maximum)] }
    }

    /// A constraint of the experiment, and how many samples meet it; nil when only a training tells.
    struct Constrained {
        var constraint: Constraint
        var met: Int?
        var range: Spread?
    }

    let count: Int
    let seed: UInt64
    /// What the costs are for.
    let size: String
    private(set) var samples: [Sample] = []
    private(set) var faults: [String] = []
    private(set) var duplicates = 0
    private(set) var constraints: [Constrained] = []
    /// How many samples can be built and meet all constraints that are known without training.
    private(set) var metAll = 0

    /// - Parameter inspect: tells a candidate's hash, family and costs.
    init(
        _ space: SearchSpace, count: Int, seed: UInt64, size: String, constraints: [Constraint],
        inspect: (Document) throws -> CandidateInspection
    ) throws {
        self.count = count
        self.seed = seed
        self.size = size
        var progress = WorkProgress("samples")
        var hashes: Set<String> = []
        for index in 0..<count {
            let candidate = space.resolve(space.sample(number: index, seed: seed))
            do {
                let found = try inspect(candidate)
                if !hashes.insert(found.candidateHash).inserted { duplicates += 1 }
                samples.append(Sample(family: found.family ?? "any", metrics: found.metrics))
            } catch let error as InputError {
                faults.append(error.description)
            }
            progress.tell(index + 1, of: count)
        }
        Terminal.clearLine()
        self.constraints = constraints.map { constraint in
            let known = samples.compactMap { $0.metrics[constraint.metric] }
            return Constrained(
                constraint: constraint, met: known.isEmpty ? nil : known.count { constraint.allows($0) }, range: Spread(known))
        }
        metAll = samples.count { constraints.allow($0.metrics) }
    }

    private func spread(_ metric: String, _ family: String?) -> Spread? {
        Spread(samples.filter { family == nil || $0.family == family }.compactMap { $0.metrics[metric] })
    }

    private var families: [(name: String?, count: Int)] {
        let counts = Dictionary(grouping: samples, by: \.family).mapValues(\.count)
        let each = counts.count > 1 ? counts.sorted { $0.key < $1.key }.map { (name: Optional($0.key), count: $0.value) } : []
        return [(nil, samples.count)] + each
    }

    /// `count, seed, size, built, duplicates, families: [{family, samples, parameters: {minimum, median, maximum}, ...}]` (family null: all)`,
    /// constraints: [{metric, at-most, at-least, met}], met_all, fault` (the first sample's that cannot be built).
    var document: Document {
        var rows: [Document] = []
        for (name, count) in families {
            var row: Document = ["family": name.map { .string($0) } ?? .null, "samples": .int(count)]
            for metric in Self.metrics { row[metric] = spread(metric, name)?.document ?? .null }
            rows.append(row)
        }
        let bounds = constraints.map { item -> Document in
            [
                "metric": .string(item.constraint.metric), "at-most": item.constraint.atMost.map { .float($0) } ?? .null,
                "at-least": item.constraint.atLeast.map { .float($0) } ?? .null, "met": item.met.map { .int($0) } ?? .null,
            ]
        }
        return [
            "count": .int(count), "seed": .string("\(seed)"), "size": .string(size), "built": .int(samples.count),
            "duplicates": .int(duplicates), "families": .array(rows), "constraints": .array(bounds), "met_all": .int(metAll),
            "fault": faults.first.map { .string($0) } ?? .null,
        ]
    }

    var text: String {
        var lines: [String] = []
        if !samples.isEmpty {
            let rows = families.map { name, count -> [String] in
                func cells(_ metric: String, _ scale: Double, _ digits: Int) -> String {
                    guard let spread = spread(metric, name) else { return "-" }
                    func written(_ value: Double) -> String { digits == 0 ? grouped(Int(value)) : decimal(value / scale, digits) }
                    return "\(written(spread.minimum)) / \(written(spread.median)) / \(written(spread.maximum))"
                }
                return [name ?? "all", "\(count)", cells("parameters", 1, 0), cells("macs", 1e9, 3), cells("peak_bytes", 1e6, 1)]
            }
            lines.append("minimum / median / maximum of \(count) samples at \(size) (seed \(seed))")
            lines.append(
                TextTable(["family", "samples", "parameters", "MACs (G)", "memory (MB)"], rows, leftAligned: [0]).text)
            lines.append("\(share(duplicates, samples.count)) are another spelling of an earlier sample")
        }
        if let fault = faults.first { lines.append("\(share(faults.count, count)) cannot be built; the first: \(fault)") }
        for item in constraints {
            guard let met = item.met else {
                lines.append("\(item.constraint.text): known only after training")
                continue
            }
            let range = met == 0 ? item.range.map { ", found \(grouped($0.minimum)) to \(grouped($0.maximum))" } ?? "" : ""
            lines.append("\(item.constraint.text): met by \(share(met, samples.count))\(range)")
        }
        if constraints.count(where: { $0.met != nil }) > 1 { lines.append("all of them: met by \(share(metAll, count))") }
        return lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n")
    }

    /// `12 of 200 (6 %)`; of none, what share that rules out with 95 % confidence.
    private func share(_ part: Int, _ whole: Int) -> String {
        guard part > 0 else { return "none of \(whole)" + (whole >= 10 ? " (under \(decimal(300 / Double(whole), 1)) %, 19 times of 20)" : "") }
        return "\(part) of \(whole) (\(decimal(100 * Double(part) / Double(max(whole, 1)), 0)) %)"
    }
}

extension Constraint {
    /// `parameters <= 200000`
    fileprivate var text: String {
        [atLeast.map { "\(metric) >= \(grouped($0))" }, atMost.map { "\(metric) <= \(grouped($0))" }].compactMap { $0 }.joined(separator: " and ")
    }
}

extension SearchSpace {
    /// The sample that `halcyon space sample --seed SEED` prints at this place.
    func sample(number: Int, seed: UInt64) -> Genotype {
        var stream = RandomStream(seed: seed).split("sample").split(number)
        return sample(using: &stream)
    }
}
