import ArgumentParser
import Documents
import Execution
import Foundation
import Reporting
import Training
import TrialStore
import Trials

/// The folder of a study as the command line names it, absolute.
/// - Throws: `InputError` where there is none.
func existingStudy(_ path: String) throws -> String {
    let directory = URL(fileURLWithPath: path).standardizedFileURL.path
    guard FileManager.default.fileExists(atPath: directory + "/study.sqlite") else {
        throw InputError(file: path, "no study here: there is no study.sqlite", hint: "name the folder of a study")
    }
    return directory
}

/// A study's front as a table and as a picture.
struct StudyReport {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, csv, json, svg
    }

    let directory: String

    func picture() throws -> StudyPicture { try StudyPicture(directory: directory, references: references()) }

    func text(_ format: Format) throws -> String {
        let picture = try picture()
        switch format {
        case .table: return FrontTable(picture).text
        case .csv: return FrontTable(picture).csv
        case .json: return FrontTable(picture).jsonLines
        case .svg: return FrontPlot(picture).svg
        }
    }

    /// Curves in one picture: more are not told apart.
    private static let mostCurves = 12

    /// Writes `DIR/front.svg` and `DIR/curves.svg`.
    func writePictures() throws { try write(pictures()) }

    /// The content of `DIR/front.svg` and `DIR/curves.svg`: whatever is damaged shows before anything is written.
    func pictures() throws -> [(path: String, text: String)] {
        [(directory + "/front.svg", try text(.svg)), (directory + "/curves.svg", try curves().svg)]
    }

    func write(_ pictures: [(path: String, text: String)]) throws {
        for picture in pictures { try replaceFile(picture.path, with: Array(picture.text.utf8)) }
    }

    /// The training losses of all trials; of a large study, of those on the front, best first, or of the latest where the
    /// front is empty.
    private func curves() throws -> LinePlot {
        let reader = try StudyReader(directory: directory)
        let count = try reader.trialCount()
        var shown = Set(0..<min(count, Self.mostCurves))
        if count > Self.mostCurves {
            shown = []
            for entry in try reader.front() where shown.count < Self.mostCurves { shown.insert(entry.trial) }
            if shown.isEmpty { shown = Set((count - Self.mostCurves)..<count) }
        }
        let families = try reader.summaries(of: shown).reduce(into: [Int: String]()) { $0[$1.number] = $1.family }
        let measured = try reader.measurements(metric: "loss", trials: shown).map(\.measurement)
        return LinePlot.learningCurves(measured, families: families, metric: "loss", title: "Training losses")
    }

    /// "24 trials: 20 COMPLETE, 4 PRUNED".
    func stateCounts() throws -> String {
        let states = try StudyReader(directory: directory).stateCounts()
        let counts = TrialState.allCases.compactMap { state in states[state].map { "\($0) \(state.rawValue)" } }
        return "\(states.values.reduce(0, +)) trials: " + (counts.isEmpty ? "none" : counts.joined(separator: ", "))
    }

    /// The networks that `halcyon train` measured into `DIR/references/NAME`.
    private func references() throws -> [StudyPicture.Reference] {
        let root = directory + "/references"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return try names.sorted().compactMap { name in
            let path = "\(root)/\(name)/result.json"
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            let result = try Document.load(path)
            var metrics: [String: Double] = [:]
            for field in try result.required("metrics").fields() { metrics[field.key] = try field.value.double(field.key) }
            return StudyPicture.Reference(name: try result.required("name").string("name"), metrics: metrics)
        }
    }
}

extension SearchProgressLine {
    init(_ state: StudyProgress) {
        self.init()
        done = state.done
        failed = state.failed
        total = state.budgetTrials
        running = state.running.map { item in
            Running(
                trial: item.trial, fraction: item.totalSteps > 0 ? Double(item.step) / Double(item.totalSteps) : nil,
                phase: item.phase.rawValue)
        }
        best = state.best
        frontSize = state.frontSize
        elapsed = .seconds(state.elapsed)
        remaining = state.remaining.map { .seconds($0) }
    }
}
