import Documents
import Foundation
import Reporting
import Testing
import TrialStore
import Trials

@Suite struct TensorBoardTests {
    /// RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
    @Test func checksumsAreTheStandards() {
        #expect(TensorBoardFile.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(TensorBoardFile.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(TensorBoardFile.checksum([UInt8](0..<32)) == 0x46DD_794E)
    }

    /// Byte for byte what the format says, written out by hand.
    @Test func recordsAreThoseOfTheFormat() {
        var file = TensorBoardFile(time: 0)
        let head = file.bytes
        file.add("loss", 0.5, step: 300, time: 1)
        let record = Array(file.bytes[head.count...])
        let scalar: [UInt8] = [0x0A, 4] + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3F]
        let event: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 0xAC, 0x02, 0x2A, UInt8(scalar.count + 2), 0x0A, UInt8(scalar.count)] + scalar
        #expect(Array(record[..<8]) == [UInt8(event.count), 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(record[12..<12 + event.count]) == event && record.count == event.count + 16)
        for (content, place) in [(Array(record[..<8]), 8), (event, 12 + event.count)] {
            let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(record[place + $1]) << UInt32(8 * $1) }
            let unmasked = stored &- 0xA282_EAD8
            #expect(unmasked >> 17 | unmasked << 15 == TensorBoardFile.checksum(content))
        }
        #expect(head.count == 16 + 9 + 2 + 13 && String(decoding: head[23..<36], as: UTF8.self) == "brain.Event:2")
    }

    /// A run for each trial with measurements, with every point's; the same files when written again, and only what is new while it grows.
    @Test func aStudyIsARunForEachTrial() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-runs-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try StudyStore(directory: directory)
        func append(_ facts: [StudyFact], at: Double) throws { try store.append(StudyCommit(records: facts.map { StudyRecord(at: at, fact: $0) })) }
        func measured(_ trial: Int, _ metric: String, _ value: Double, at step: Int, point: Int = 0) -> StudyFact {
            .measured(.init(trial: trial, attempt: 1, point: point, metric: metric, resource: step, value: value, unit: ""), environment: nil)
        }
        for number in 0..<3 {
            try append([
                .started(
                    .init(
                        decision: number, trial: number, resource: 10, seed: 1, strategy: "random", genotype: [:], candidate: [:],
                        inspection: CandidateInspection(
                            candidateHash: "k\(number)", architectureHash: "h", family: number == 0 ? "chain" : nil, architecture: [:], metrics: [:]))),
                .attemptStarted(trial: number, attempt: 1, worker: 0, resource: 10, from: nil),
            ], at: 1)
        }
        try append([measured(0, "loss", 0.5, at: 5), measured(0, "psnr_db", 30, at: 10, point: 1)], at: 100)
        try append([measured(1, "loss", 0.25, at: 5)], at: 200)

        let reader = try StudyReader(directory: directory)
        var runs = TensorBoardRuns(folder: directory + "/curves")
        #expect(try runs.update(from: reader) == 2)
        func names() throws -> [String] { try FileManager.default.subpathsOfDirectory(atPath: directory + "/curves").filter { $0.contains("/") }.sorted() }
        #expect(try names() == ["0000-chain/events.out.tfevents.100.halcyon", "0001/events.out.tfevents.200.halcyon"])
        var expected = TensorBoardFile(time: 100)
        expected.add("loss", 0.5, step: 5, time: 100)
        expected.add("psnr_db/point1", 30, step: 10, time: 100)
        #expect(FileManager.default.contents(atPath: directory + "/curves/" + (try names())[0]) == Data(expected.bytes))
        #expect(try runs.update(from: reader) == 0)
        try append([measured(1, "loss", 0.125, at: 10)], at: 300)
        #expect(try runs.update(from: reader) == 1 && names().count == 2)
        var anew = TensorBoardRuns(folder: directory + "/again")
        #expect(try anew.update(from: reader) == 2)
        for name in try names() {
            #expect(FileManager.default.contentsEqual(atPath: "\(directory)/curves/\(name)", andPath: "\(directory)/again/\(name)"))
        }
    }
}
