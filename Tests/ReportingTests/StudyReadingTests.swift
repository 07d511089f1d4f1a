import Documents
import Foundation
import Reporting
import Testing
import TrialStore
import Trials

/// From a study's file to its picture.
@Suite struct StudyReadingTests {
    @Test func aPictureSaysWhatTheFileSays() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-reporting-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try """
        halcyon: 1
        name: written
        objectives: [{metric: psnr_db, direction: maximize, reference: 24}, {metric: macs, direction: minimize, reference: 1e9}]
        budget: {trials: 2}
        """.write(toFile: directory + "/experiment.yaml", atomically: true, encoding: .utf8)

        let store = try StudyStore(directory: directory)
        let points = [
            Point(metrics: ["psnr_db": 29, "macs": 5e8, "parameters": 1234]), Point(point: 1, threshold: 0.5, metrics: ["psnr_db": 28, "macs": 2e8]),
        ]
        var facts: [StudyFact] = (0..<2).map { number in
            .started(
                .init(
                    decision: number, trial: number, resource: 10, seed: number, strategy: "random", genotype: ["a": .int(number)],
                    candidate: ["b": .int(number)],
                    inspection: CandidateInspection(
                        candidateHash: "k\(number)", architectureHash: "h\(number)", family: "dynamic",
                        architecture: ["c": .int(number)], metrics: ["parameters": 1234, "macs": 5e8, "peak_bytes": 4096])))
        }
        facts.append(.attemptStarted(trial: 0, attempt: 1, worker: 0, resource: 10, from: nil))
        facts.append(.reached(trial: 0, attempt: 1, resource: 10, points: points, environment: nil, complete: true))
        let entries = points.map { FrontEntry(trial: 0, family: "dynamic", point: $0) }
        try store.append(
            StudyCommit(
                records: facts.map { StudyRecord(at: 1, fact: $0) }, front: entries,
                hypervolumes: [HypervolumeEntry(trial: 0, at: 1, value: 3e9)]))

        let picture = try StudyPicture(directory: directory)
        #expect(picture.title == "written" && picture.objectives.map(\.metric) == ["psnr_db", "macs"])
        #expect(picture.trials.map(\.state) == [.complete, .waiting])
        #expect(picture.trials.map(\.points.count) == [2, 0])
        #expect(picture.hypervolume == 3e9)
        #expect(picture.front.map(\.point.point) == [0, 1])
        #expect(picture.front.allSatisfy { $0.point.metrics["parameters"] == 1234 })
        #expect(picture.front.map { $0.point.metrics["macs"] } == [5e8, 2e8])
        #expect(picture.summary == "2 trials (1 complete, 1 waiting), front of 2 points, hypervolume 3e+09")
        let svg = try ParsedPicture(FrontPlot(picture).svg)
        #expect(svg.count("front") == 2 && svg.count("network") == 1)
    }

    @Test func aMissingStudyIsTheUsersError() {
        #expect(throws: InputError.self) { try StudyPicture(directory: "/nowhere/at/all") }
    }
}
