import Documents
import Foundation
import Testing
import TrialStore
import Trials

/// A fault in what a user gives: how it comes to be, the command that meets it, and what the message must say.
struct MalformedInput: Sendable {
    var name: String
    /// Words of the command line; `{here}` is the case's own folder, `{study}` a sound study that must survive, `{experiment}`,
    /// `{net}`, `{model}` and `{photo}` are sound files.
    var command: [String]
    /// Parts of the message: the place, what was found or expected, what to do.
    var says: [String]
    var prepare: @Sendable (MalformedBench) throws -> Void = { _ in }

    init(_ name: String, _ command: String, says: [String], _ prepare: @escaping @Sendable (MalformedBench) throws -> Void = { _ in }) {
        self.name = name
        self.command = command.split(separator: " ", omittingEmptySubsequences: false).map { $0 == "''" ? "" : String($0) }
        self.says = says
        self.prepare = prepare
    }
}

/// Sound files, and a folder for the case's own.
struct MalformedBench: Sendable {
    let root: String
    let here: String
    var study: String { root + "/study" }
    var model: String { study + "/trials/0/model.h5" }

    func words(_ command: [String]) -> [String] {
        let names = [
            "{here}": here, "{study}": study, "{experiment}": root + "/experiment.yaml", "{net}": root + "/net.yaml", "{model}": model,
            "{photo}": root + "/photo.png",
        ]
        return command.map { word in names.reduce(word) { $0.replacingOccurrences(of: $1.key, with: $1.value) } }
    }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        let path = here + "/" + name
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    func write(_ name: String, _ text: String) throws { try write(name, text.utf8) }

    func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

    /// `{here}/experiment.yaml` or `net.yaml`: the sound one with one text replaced.
    func edit(_ name: String, _ old: String, _ new: String) throws {
        let sound = try String(contentsOfFile: root + "/" + name, encoding: .utf8)
        try #require(sound.contains(old), "\(name) has no \(old)")
        try write(name, sound.replacingOccurrences(of: old, with: new))
    }

    /// `{here}/study`: a copy to be damaged.
    func copyStudy() throws { try FileManager.default.copyItem(atPath: study, toPath: here + "/study") }

    /// `{here}/study` with bytes of one of its files replaced.
    func patchStudy(_ name: String, at offset: Int, _ bytes: [UInt8]) throws {
        try copyStudy()
        var all = try self.bytes("\(here)/study/\(name)")
        all.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        try write("study/\(name)", all)
    }
}

/// Every malformed input ends with exit code 2, one message, and everything on disk as it was.
@Suite(.serialized) struct MalformedInputTests {
    static let experiment = """
        halcyon: 1
        name: small
        space: \(Program.repository)/SearchSpaces/chain.yaml
        data:
          train: {kind: dead-leaves, images: 2, size: 32, crop: 16}
          validation: {kind: dead-leaves, images: 1, size: 32, sigmas: [25]}
        noise: {kind: gaussian, sigma: 25}
        recipe: {loss: l1, learning-rate: 3e-3, batch: 2, steps: 4}
        latency: {size: 16x16}
        objectives: [{metric: psnr_db, direction: maximize, reference: 5}, {metric: macs, direction: minimize, reference: 1e9}]
        constraints: [{metric: parameters, at-most: 40000}]
        strategy: {kind: random}
        budget: {trials: 2}
        seed: 3
        lag: 1
        keep: all

        """

    static let network = """
        halcyon: 1
        name: sound
        network:
          skeleton:
            kind: chain
            width: 8
            blocks:
              - {block: plain}

        """

    @Test func eachGivesOneLocatedMessageAndNoDamage() throws {
        let folder = try Folder()
        let experiment = try folder.write("experiment.yaml", Self.experiment)
        _ = try folder.write("net.yaml", Self.network)
        _ = try Pictures.save(folder.path("photo.png"))
        let study = folder.path("study")
        let made = try Program.run("search", experiment, "--out", study, "--workers", "1")
        try #require(made.status == 0, "\(made.errors)")
        let rows = try Self.rows(study)

        let cases = malformedCommandLines + malformedDocuments + malformedExperiments + malformedFiles + malformedStudies + malformedExports
        #expect(cases.count >= 40)
        #expect(Set(cases.map(\.name)).count == cases.count)
        for (number, item) in cases.enumerated() {
            let bench = MalformedBench(root: folder.root, here: folder.path("case\(number)"))
            try FileManager.default.createDirectory(atPath: bench.here, withIntermediateDirectories: true)
            try item.prepare(bench)
            let before = Self.files(folder.root)
            let result = try Program.Run(bench.words(item.command)).finish()
            let what = Comment(rawValue: "\(item.name): \(result.status), \(result.errors)")
            #expect(result.status == 2, what)
            #expect(result.output.isEmpty, what)
            Self.expectOneMessage(result.errors, what)
            for part in item.says.map({ bench.words([$0])[0] }) { #expect(result.errors.contains(part), "\(part) in \(what)") }
            #expect(Self.files(folder.root) == before, "files changed by \(what)")
            try FileManager.default.removeItem(atPath: bench.here)
        }
        #expect(try Self.rows(study) == rows)
        let resumed = try Program.run("resume", study, "--trials", "3", "--workers", "1")
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try StudyReader(directory: study).trials().count == 3)
    }

    /// One message is one line: `halcyon: `, the complaint, and at its end advice in brackets unless it says what was expected.
    private static func expectOneMessage(_ errors: String, _ what: Comment) {
        #expect(errors.hasPrefix("halcyon: ") && errors.hasSuffix("\n") && errors.count { $0.isNewline } == 1, what)
        #expect(errors.hasSuffix(")\n") || errors.contains("expected "), what)
        #expect(errors.utf8.count < 2000, what)
        for trace in ["Fatal error", "Backtrace", "Swift.", ".swift:", "Error Domain"] { #expect(!errors.contains(trace), what) }
    }

    /// Every file under a folder with its bytes, but for what opening a database and a lock leaves.
    private static func files(_ root: String) -> [String: Data] {
        var files: [String: Data] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
            guard !["lock", "study.sqlite-shm", "study.sqlite-wal"].contains(URL(fileURLWithPath: name).lastPathComponent) else { continue }
            var status = stat()
            guard stat(root + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files[name] = FileManager.default.contents(atPath: root + "/" + name) ?? Data()
        }
        return files
    }

    /// Every table of a study.
    private static func rows(_ directory: String) throws -> Rows {
        let reader = try StudyReader(directory: directory)
        return Rows(
            records: try reader.records(), trials: try reader.trials(), measurements: try reader.measurements(),
            front: try reader.front(), hypervolumes: try reader.hypervolumes(), environments: try reader.environments(),
            points: try reader.points())
    }

    private struct Rows: Equatable {
        var records: [StudyRecord]
        var trials: [TrialRow]
        var measurements: [MeasurementRow]
        var front: [FrontEntry]
        var hypervolumes: [HypervolumeEntry]
        var environments: [String: Document]
        var points: [Int: [Point]]
    }
}
