import Documents
import Foundation
import Testing
import TrialStore
import Trials

@Suite struct StudyStoreTests {
    /// Calls the body with a fresh folder.
    private func inFolder(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-store-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    private static let started = StudyFact.started(
        .init(
            decision: 0, trial: 0, resource: 25, seed: 9_007_199_254_740_991, strategy: "random", genotype: ["width": 3],
            candidate: ["kind": "chain", "width": 3],
            inspection: .init(
                candidateHash: "c0", architectureHash: "a0", family: "chain", architecture: ["kind": "chain"],
                metrics: ["parameters": 30, "macs": 3000])))

    /// One of every kind of fact, with every optional once there and once not.
    private static let everyFact: [StudyFact] = [
        .sessionStarted(trials: 8, seconds: 1.5, workers: 2, lag: 4, seed: 1),
        .sessionStarted(trials: nil, seconds: nil, workers: 2, lag: nil, seed: 1),
        .rejected(decision: 0, redraw: 0, candidateHash: "c0", reason: "a \"duplicate\"\n of trial 3"),
        .rejected(decision: 0, redraw: 1, candidateHash: nil, reason: "é"),
        started,
        .workerStarted(worker: 0, environment: ["host": "a", "threads": 1]),
        .attemptStarted(trial: 0, attempt: 1, worker: 0, resource: 25, from: nil),
        .measured(.init(trial: 0, attempt: 1, metric: "psnr_db", resource: 12, value: 0.1 + 0.2, unit: "dB"), environment: "e"),
        .checkpointed(trial: 0, attempt: 1, resource: 12, path: "trials/0/checkpoint.h5"),
        .attemptFailed(trial: 0, attempt: 1, AttemptFailure(reason: "gone", signal: 9)),
        .attemptFailed(trial: 0, attempt: 2, AttemptFailure(reason: "gone", exitCode: 3)),
        .attemptInterrupted(trial: 0, attempt: 3, reason: "interrupted"),
        .reached(
            trial: 0, attempt: 4, resource: 25,
            points: [Point(metrics: ["psnr_db": 27.123456789012345]), Point(point: 1, threshold: 0.5, metrics: ["psnr_db": 26])],
            environment: "e", complete: false),
        .continued(decision: 1, trial: 0, resource: 100),
        .stopped(decision: 2, trial: 0), .nothing(decision: 3), .exhausted(decision: 4),
        .failed(trial: 0, reason: "twice"), .pruned(trial: 0), .paused(reason: "interrupted"), .ended(reason: "spent"),
    ]

    private func commit(_ facts: [StudyFact], at: Double = 1) -> StudyCommit {
        StudyCommit(records: facts.map { StudyRecord(at: at, fact: $0) })
    }

    @Test func sessionsAreFromTheirStartToTheirLastEvent() throws {
        try inFolder { directory in
            let store = try StudyStore(directory: directory)
            let begin = StudyFact.sessionStarted(trials: 8, seconds: nil, workers: 2, lag: nil, seed: 1)
            for (at, fact) in [(10.0, begin), (12, .nothing(decision: 0)), (100, begin), (130, .nothing(decision: 1)), (131, .ended(reason: ""))] {
                try store.append(commit([fact], at: at))
            }
            let sessions = try StudyReader(directory: directory).sessions()
            #expect(sessions.map(\.begin) == [10, 100] && sessions.map(\.end) == [12, 131])
        }
    }

    @Test func everyFactComesBackAsItWas() throws {
        try inFolder { directory in
            let store = try StudyStore(directory: directory)
            for (index, fact) in Self.everyFact.enumerated() { try store.append(commit([fact], at: Double(index) + 0.25)) }
            #expect(try store.records().map(\.fact) == Self.everyFact)
            #expect(try StudyReader(directory: directory).records().map(\.at) == Self.everyFact.indices.map { Double($0) + 0.25 })
            try store.close()
            #expect(try StudyStore(directory: directory).records().map(\.fact) == Self.everyFact)
        }
    }

    @Test func tablesFollowTheFacts() throws {
        try inFolder { directory in
            let store = try StudyStore(directory: directory)
            let reader = try StudyReader(directory: directory)
            func state() throws -> TrialState? { try reader.trials().first?.state }
            try store.append(commit([Self.started], at: 10))
            #expect(try state() == .waiting)
            try store.append(commit([.attemptStarted(trial: 0, attempt: 1, worker: 0, resource: 25, from: nil)], at: 11))
            #expect(try state() == .running)
            try store.append(commit([.attemptFailed(trial: 0, attempt: 1, AttemptFailure(reason: "x"))], at: 12))
            #expect(try state() == .waiting)
            let points = [
                Point(metrics: ["psnr_db": 27, "parameters": 30, "macs": 3000, "other": 5]),
                Point(point: 1, threshold: 0.5, metrics: ["psnr_db": 26]),
            ]
            var final = commit(
                [.reached(trial: 0, attempt: 2, resource: 25, points: points, environment: "e", complete: true)], at: 13)
            final.front = [FrontEntry(trial: 0, family: "chain", point: points[0], environment: "e")]
            final.hypervolumes = [HypervolumeEntry(trial: 0, at: 13, value: 4.5)]
            try store.append(final)
            let row = try #require(try reader.trials().first)
            #expect(row.state == .complete && row.finishedAt == 13 && row.startedAt == 11 && row.createdAt == 10)
            #expect(row.metrics == ["psnr_db": 27, "parameters": 30, "macs": 3000])
            #expect(row.seed == 9_007_199_254_740_991)
            #expect(try reader.points() == [0: points])
            #expect(try reader.front() == final.front)
            #expect(try reader.hypervolumes() == final.hypervolumes)
        }
    }

    @Test func costsOfTheInspectionStayWhereAResultHasNone() throws {
        try inFolder { directory in
            let store = try StudyStore(directory: directory)
            let points = [Point(metrics: ["psnr_db": 27, "macs": 3500])]
            try store.append(
                commit([Self.started, .reached(trial: 0, attempt: 1, resource: 25, points: points, environment: nil, complete: true)]))
            let reader = try StudyReader(directory: directory)
            #expect(try reader.trials().first?.metrics == ["psnr_db": 27, "parameters": 30, "macs": 3500])
            #expect(
                try reader.summaries() == [
                    TrialSummary(
                        number: 0, state: .complete, family: "chain", metrics: ["psnr_db": 27, "parameters": 30, "macs": 3500])
                ])
        }
    }

    @Test func theFirstMeasurementStands() throws {
        try inFolder { directory in
            let store = try StudyStore(directory: directory)
            func measured(_ attempt: Int, _ value: Double) -> StudyFact {
                .measured(.init(trial: 0, attempt: attempt, metric: "psnr_db", resource: 5, value: value), environment: nil)
            }
            try store.append(commit([Self.started, measured(1, 20), measured(2, 21)]))
            #expect(try StudyReader(directory: directory).measurements(trial: 0).map(\.measurement.value) == [20])
        }
    }

    @Test func aCommitIsAllOrNothing() throws {
        try inFolder { directory in
            let store = try StudyStore(directory: directory)
            #expect(throws: (any Error).self) { try store.append(commit([Self.started, Self.started])) }
            #expect(try store.records().isEmpty)
        }
    }

    @Test func plainSQLiteReadsItAndTheLogIsAppendOnly() throws {
        try inFolder { directory in
            let store = try StudyStore(directory: directory)
            try store.append(commit([Self.started]))
            func sqlite(_ sql: String) throws -> (text: String, code: Int32) {
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = ["sqlite3", directory + "/study.sqlite", sql]
                process.standardOutput = output
                process.standardError = FileHandle.nullDevice
                try process.run()
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                return (String(decoding: data, as: UTF8.self), process.terminationStatus)
            }
            if try sqlite("select 1").code != 0 { return }  // no sqlite3 program here
            #expect(try sqlite("select number, state, parameters from trials").text == "0|WAITING|30\n")
            #expect(try sqlite("select number, point, psnr_db, latency_ms, macs from pareto_front").code == 0)
            #expect(try sqlite("pragma user_version").text == "2\n")
            #expect(try sqlite("update events set kind = 'x'").code != 0)
            #expect(try sqlite("delete from events").code != 0)
            #expect(try store.records().count == 1)
        }
    }

    @Test func aNewerFileIsRefusedAndLeftUntouched() throws {
        try inFolder { directory in
            let path = directory + "/study.sqlite"
            try StudyStore(directory: directory).close()
            var data = try Data(contentsOf: URL(fileURLWithPath: path))
            data[63] = 9
            try data.write(to: URL(fileURLWithPath: path))
            for open in [{ _ = try StudyStore(directory: directory) }, { _ = try StudyReader(directory: directory) }] {
                let error = #expect(throws: InputError.self) { try open() }
                #expect(error?.description.contains("version 9") == true && error?.description.contains(path) == true)
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == data)
        }
    }

    @Test func damagedFilesAreLocatedErrors() throws {
        try inFolder { directory in
            let path = directory + "/study.sqlite"
            let missing = #expect(throws: InputError.self) { try StudyReader(directory: directory) }
            #expect(missing?.description.contains("no such file") == true)
            try Data("not a database at all, but long enough to have a header of one hundred bytes, which is what is looked at first".utf8)
                .write(to: URL(fileURLWithPath: path))
            let foreign = #expect(throws: InputError.self) { try StudyStore(directory: directory) }
            #expect(foreign?.description.contains(path) == true)

            try FileManager.default.removeItem(atPath: path)
            let store = try StudyStore(directory: directory)
            try store.append(commit(Self.everyFact.filter { $0.trial == nil }))
            try store.close()
            var data = try Data(contentsOf: URL(fileURLWithPath: path))
            for index in 200..<data.count { data[index] = 0x5A }
            try data.write(to: URL(fileURLWithPath: path))
            let corrupt = #expect(throws: InputError.self) { _ = try StudyStore(directory: directory).records() }
            #expect(corrupt?.description.contains(path) == true)
        }
    }
}
