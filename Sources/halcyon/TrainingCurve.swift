import Documents
import Foundation

/// `curve.jsonl` in the folder of a training: a line `{"metric": "loss", "step": 100, "value": 0.03}` for each measurement.
struct TrainingCurve {
    struct Entry: Equatable {
        var metric: String
        var step: Int
        var value: Double
    }

    let folder: String
    var path: String { folder + "/curve.jsonl" }

    func clear() { try? FileManager.default.removeItem(atPath: path) }

    /// A measurement that a resumed training repeats stands there twice, with the same value.
    func add(_ entry: Entry) throws {
        let line: Document = ["metric": .string(entry.metric), "step": .int(entry.step), "value": .float(entry.value)]
        let old = (try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data()
        try replaceFile(path, with: Array(old) + Array((line.json + "\n").utf8))
    }

    /// A metric's measurements in the order of their steps, each once.
    /// - Throws: `InputError` that names the file.
    func entries(of metric: String) throws -> [Entry] {
        let text = String(decoding: try readInputFile(path, "the curve of a training"), as: UTF8.self)
        let all = try text.split(separator: "\n").map { line -> Entry in
            let row = try Document.parse(String(line), file: path)
            return Entry(
                metric: try row.required("metric").string("metric"), step: try row.required("step").int("step"),
                value: try row.required("value").double("value"))
        }
        let found = all.filter { $0.metric == metric }
        guard !found.isEmpty else {
            let known = Set(all.map(\.metric)).sorted().joined(separator: ", ")
            throw InputError(file: path, "has no metric \(metric)", hint: "it has \(known)")
        }
        return Dictionary(found.map { ($0.step, $0) }) { _, last in last }.values.sorted { $0.step < $1.step }
    }
}
