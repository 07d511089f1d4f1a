import Documents
import Reporting

/// Searches of several strategies with several seeds, side by side.
struct SearchComparison {
    /// The runs of one strategy, on one experiment or on all of them.
    private struct Group {
        var experiment: String
        var strategy: String
        var records: [SearchRecord]

        /// Of each seed the mean over the experiments.
        func ratios(at place: Double, byCost: Bool) -> [Double] {
            Dictionary(grouping: records, by: \.seed).sorted { $0.key < $1.key }.map { _, runs in
                runs.reduce(0) { $0 + $1.ratio(at: place, byCost: byCost) } / Double(runs.count)
            }
        }

        func mean(at place: Double, byCost: Bool) -> Double {
            records.reduce(0) { $0 + $1.ratio(at: place, byCost: byCost) } / Double(records.count)
        }
    }

    private let groups: [Group]
    private let byCost: Bool
    private let places: [Double]
    private let level: Double?
    private let end: Double

    init(_ records: [SearchRecord], byCost: Bool, apart: Bool, at places: [Double]?, level: Double?) {
        var groups: [Group] = []
        for record in records {
            let experiment = apart ? record.experiment : ""
            if let index = groups.firstIndex(where: { $0.experiment == experiment && $0.strategy == record.strategy }) {
                groups[index].records.append(record)
            } else {
                groups.append(Group(experiment: experiment, strategy: record.strategy, records: [record]))
            }
        }
        self.groups = groups
        self.byCost = byCost
        self.level = level
        end = records.map { $0.end(byCost: byCost) }.max() ?? 1
        self.places = places ?? [(end / 3).rounded(), end]
    }

    private static let steps = 300

    /// Where the group's mean first has the level, on a grid of a step's width.
    private func place(of group: Group, reaching level: Double) -> Double? {
        let width = byCost ? end / Double(Self.steps) : 1
        return stride(from: width, through: end, by: width).first { group.mean(at: $0, byCost: byCost) >= level }
    }

    /// One object a strategy (and experiment).
    var lines: [Document] {
        groups.map { group in
            var fields: [(String, Document)] = group.experiment.isEmpty ? [] : [("experiment", .string(group.experiment))]
            fields += [("strategy", .string(group.strategy)), ("runs", .int(group.records.count))]
            let rival = groups.first { $0.strategy == "nsga2" && $0.experiment == group.experiment }
            for place in places {
                let own = group.ratios(at: place, byCost: byCost)
                let interval = MeanInterval(own)
                var entry: [(String, Document)] = [
                    ("at", .float(place)), ("ratio", .float(interval.mean)), ("half_width", .float(interval.halfWidth)),
                ]
                if let rival, rival.strategy != group.strategy {
                    entry.append(("p", .float(MannWhitney(own, rival.ratios(at: place, byCost: byCost)).p)))
                }
                fields.append(("at_\(Int(place))", .object(entry)))
            }
            if let level { fields.append(("reaches_level", place(of: group, reaching: level).map(Document.float) ?? .null)) }
            fields.append(("evaluated_twice", .int(group.records.reduce(0) { $0 + $1.repeatedCount })))
            let times = group.records.flatMap(\.thinkingSeconds).sorted()
            if !times.isEmpty {
                fields.append(("controller_mean_ms", .float(times.reduce(0, +) / Double(times.count) * 1000)))
                fields.append(("controller_p99_ms", .float(times[min(times.count - 1, times.count * 99 / 100)] * 1000)))
            }
            return .object(fields)
        }
    }

    var text: String {
        let hasExperiments = groups.contains { !$0.experiment.isEmpty }
        var header = hasExperiments ? ["experiment", "strategy", "runs"] : ["strategy", "runs"]
        for place in places { header += ["at \(Int(place))", "p"] }
        if let level { header.append("reaches \(level)") }
        header += ["twice", "ms, mean", "ms, 99 %"]
        func number(_ document: Document?, _ digits: Int) -> String {
            (try? document?.double()).map { decimal($0, digits) } ?? ""
        }
        let rows = lines.map { line -> [String] in
            func text(_ key: String) -> String { (try? line[key]?.string()) ?? "" }
            var row: [String] = hasExperiments ? [text("experiment")] : []
            row += [text("strategy"), number(line["runs"], 0)]
            for place in places {
                let entry = line["at_\(Int(place))"]
                let (ratio, width) = (number(entry?["ratio"], 4), number(entry?["half_width"], 4))
                row.append("\(ratio) ± \(width)")
                row.append(number(entry?["p"], 4))
            }
            if level != nil { row.append(number(line["reaches_level"], 0)) }
            for (key, digits) in [("evaluated_twice", 0), ("controller_mean_ms", 3), ("controller_p99_ms", 3)] {
                row.append(number(line[key], digits))
            }
            return row
        }
        return TextTable(header, rows, leftAligned: hasExperiments ? [0, 1] : [0]).text
    }

    /// The mean ratios over trials or cost.
    var plot: LinePlot {
        let series = groups.map { group in
            LinePlot.Series(
                name: group.experiment.isEmpty ? group.strategy : "\(group.strategy), \(group.experiment)",
                points: (1...Self.steps).map { step in
                    let place =
                        byCost ? end * Double(step) / Double(Self.steps) : (end * Double(step) / Double(Self.steps)).rounded(.up)
                    return .init(place, group.mean(at: place, byCost: byCost))
                })
        }
        return LinePlot(
            title: "Hypervolume found", subtitle: "as a part of the whole table's; mean over experiments and seeds",
            horizontalTitle: byCost ? "units of the resource spent" : "trials", verticalTitle: "hypervolume ratio", series: series
        )
    }
}
