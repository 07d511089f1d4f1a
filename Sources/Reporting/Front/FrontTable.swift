import Documents
import Foundation
import Trials

/// A front as text, CSV and JSON lines, by the first cost objective.
package struct FrontTable: Sendable {
    private let entries: [FrontEntry]
    /// The metrics of the machine-readable forms: the contract's, then the study's own by name.
    private let metrics: [String]
    private let objectives: [String]

    package init(_ picture: StudyPicture) {
        let first = picture.objectives.first { $0.direction == .minimize } ?? picture.objectives.first
        entries = picture.front.sorted { a, b in
            let losses = [a, b].map { entry -> Double in
                let loss = first.flatMap { first in entry.point.metrics[first.metric].map { first.loss($0) } } ?? .infinity
                return loss.isNaN ? .infinity : loss
            }
            return losses[0] == losses[1]
                ? (a.trial, a.point.point) < (b.trial, b.point.point) : losses[0] < losses[1]
        }
        let standard = Metric.catalogue.map(\.name)
        metrics = standard + Set(entries.flatMap(\.point.metrics.keys)).subtracting(standard).sorted()
        objectives = picture.objectives.map(\.metric)
    }

    /// Aligned columns for people, units in the header.
    package var text: String {
        guard !entries.isEmpty else { return "The front is empty: no trial is complete yet.\n" }
        var columns: [[String]] = [
            ["number"] + entries.map { "\($0.trial)" }, ["point"] + entries.map { "\($0.point.point)" },
            ["family"] + entries.map { $0.family ?? "-" },
        ]
        if entries.contains(where: { $0.point.threshold != nil }) {
            columns.append(["threshold"] + entries.map { $0.point.threshold.map { decimal($0, digits: 3) } ?? "-" })
        }
        let shown = ["psnr_db", "ssim", "latency_ms", "parameters", "macs"]
        for name in shown + objectives.filter({ !shown.contains($0) }) {
            let metric = Metric.named(name)
            let known = Metric.catalogue.contains { $0.name == name }
            let deviations = entries.map { $0.point.metrics["latency_mad_ms"].map(metric.text) }
            let deviationWidth = name == "latency_ms" ? deviations.map { $0?.count ?? 0 }.max() ?? 0 : 0
            let hasDeviation = deviationWidth > 0
            let title = known && !["psnr_db", "ssim", "latency_ms"].contains(name) ? "\(name) (\(metric.unit))" : name
            columns.append([hasDeviation ? "\(title) ± mad" : title] + zip(entries, deviations).map { entry, deviation in
                guard let value = entry.point.metrics[name] else { return "-" }
                guard known else { return significant(value) }
                guard hasDeviation else { return metric.text(value) }
                let spread = deviation.map { " ± " + String(repeating: " ", count: deviationWidth - $0.count) + $0 }
                return metric.text(value) + (spread ?? String(repeating: " ", count: deviationWidth + 3))
            })
        }
        let rows = entries.indices.map { row in columns.map { $0[row + 1] } }
        return TextTable(columns.map { $0[0] }, rows, leftAligned: [2], ruled: false).text + "\n"
    }

    /// RFC 4180, with the column names of `pareto_front`; a missing value is an empty field. Numbers round-trip exactly.
    package var csv: String {
        let header = ["number", "point", "family", "threshold"] + metrics
        let rows = entries.map { entry in
            ["\(entry.trial)", "\(entry.point.point)", entry.family ?? "", entry.point.threshold.map { "\($0)" } ?? ""]
                + metrics.map { name in
                    guard let value = entry.point.metrics[name], value.isFinite else { return "" }
                    return Self.whole(name, value).map { "\($0)" } ?? "\(value)"
                }
        }
        return ([header] + rows).map { $0.map(Self.field).joined(separator: ",") + "\n" }.joined()
    }

    /// One JSON object a line, with the same names as the CSV.
    package var jsonLines: String {
        entries.map { entry in
            let values = metrics.map { name -> (String, Document) in
                guard let value = entry.point.metrics[name], value.isFinite else { return (name, .null) }
                return (name, Self.whole(name, value).map(Document.int) ?? .float(value))
            }
            let identity: [(String, Document)] = [
                ("number", .int(entry.trial)), ("point", .int(entry.point.point)),
                ("family", entry.family.map(Document.string) ?? .null),
                ("threshold", entry.point.threshold.map(Document.float) ?? .null),
            ]
            return Document.object(identity + values).json + "\n"
        }.joined()
    }

    private static func whole(_ name: String, _ value: Double) -> Int? {
        Metric.named(name).isInteger ? Int(exactly: value) : nil
    }

    private static func field(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
