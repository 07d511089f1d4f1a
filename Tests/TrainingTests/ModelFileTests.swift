import Documents
import Foundation
import RandomStreams
import Testing
import Training

private func model() throws -> ModelFile {
    let architecture = try Samples.architecture()
    let trainer = try Samples.trainer(architecture)
    return ModelFile(
        architecture: architecture.canonicalDocument, tensors: trainer.parameters.namedTensors, provenance: ["seed": 5])
}

/// The laws of our HDF5 files: what was written comes back, and nothing damaged is ever parsed.
@Suite struct ModelFileTests {
    @Test func aModelComesBack() throws {
        try Samples.withFolder { folder in
            let written = try model()
            try written.write(to: folder + "/model.h5")
            let read = try ModelFile.read(folder + "/model.h5")
            #expect(read.architecture == written.architecture && read.provenance == written.provenance)
            #expect(read.tensors.sorted { $0.name < $1.name } == written.tensors.sorted { $0.name < $1.name })
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.h5"])
            let first = FileManager.default.contents(atPath: folder + "/model.h5")
            try written.write(to: folder + "/model.h5")
            #expect(FileManager.default.contents(atPath: folder + "/model.h5") == first, "equal models are equal bytes")
        }
    }

    @Test func aCheckpointComesBack() throws {
        try Samples.withFolder { folder in
            let trainer = try Samples.trainer(Samples.architecture())
            try trainer.run(to: 2)
            let written = trainer.checkpoint()
            try written.write(to: folder + "/checkpoint.h5")
            var read = try Checkpoint.read(folder + "/checkpoint.h5")
            let order = written.tensors.map(\.name)
            read.tensors.sort { order.firstIndex(of: $0.name) ?? 0 < order.firstIndex(of: $1.name) ?? 0 }
            #expect(read == written)
        }
    }

    /// The kinds of protected files: writes a small one to a path, and reads it.
    struct Kind: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var write: @Sendable (String) throws -> Void
        var read: @Sendable (String) throws -> Void
    }

    static let kinds = [
        Kind(
            testDescription: "model", write: { try model().write(to: $0) }, read: { _ = try ModelFile.read($0) }),
        Kind(
            testDescription: "checkpoint", write: { try Samples.trainer(Samples.architecture()).checkpoint().write(to: $0) },
            read: { _ = try Checkpoint.read($0) }),
    ]

    @Test(arguments: kinds) func oneChangedByteAnywhereIsRefused(_ kind: Kind) throws {
        try Samples.withFolder { folder in
            let path = folder + "/file.h5"
            try kind.write(path)
            try kind.read(path)
            let whole = try #require(FileManager.default.contents(atPath: path))
            var stream = RandomStream(seed: 1)
            let trailer = (whole.count - 48..<whole.count).map { $0 }
            var accepted: [Int] = []
            for position in trailer + (0..<200).map({ _ in stream.index(below: whole.count) }) {
                var damaged = whole
                damaged[position] ^= UInt8(1 << stream.index(below: 8))
                try damaged.write(to: URL(fileURLWithPath: path))
                let error = try inputError { try kind.read(path) }
                if error?.description.contains(path) != true || error?.hint == nil { accepted.append(position) }
            }
            #expect(accepted.isEmpty, "bytes of \(whole.count) that may change unnoticed")
        }
    }

    @Test(arguments: kinds) func aChangedByteNamesBothChecksums(_ kind: Kind) throws {
        try Samples.withFolder { folder in
            let path = folder + "/file.h5"
            try kind.write(path)
            var damaged = try #require(FileManager.default.contents(atPath: path))
            damaged[1000] ^= 1
            try damaged.write(to: URL(fileURLWithPath: path))
            let error = try #require(try inputError { try kind.read(path) })
            #expect(error.message.contains(#/expected the checksum [0-9a-f]{64}, found [0-9a-f]{64}/#))
        }
    }

    @Test(arguments: kinds) func aShortenedFileIsRefused(_ kind: Kind) throws {
        try Samples.withFolder { folder in
            let path = folder + "/file.h5"
            try kind.write(path)
            let whole = try #require(FileManager.default.contents(atPath: path))
            var stream = RandomStream(seed: 2)
            let lengths = [0, 1, 7, 47, 48, 49, whole.count - 48, whole.count - 1] + (0..<40).map { _ in stream.index(below: whole.count) }
            for length in lengths {
                try whole.prefix(length).write(to: URL(fileURLWithPath: path))
                #expect(try inputError { try kind.read(path) } != nil, "\(length) bytes")
            }
            try (whole + [0]).write(to: URL(fileURLWithPath: path))
            #expect(try inputError { try kind.read(path) } != nil)
        }
    }

    /// Files in memory are told apart by name alone: one stays open while another is written and read.
    @Test func anOpenFileKeepsItsContent() throws {
        func bytes(_ value: Float) -> [UInt8] {
            var writer = HDF5Writer()
            writer.tensor("x", sizes: [2], values: [value, value])
            return writer.bytes()
        }
        let first = try HDF5Reader(bytes(1), path: "first.h5")
        let second = try HDF5Reader(bytes(2), path: "second.h5")
        #expect(try first.tensor("x").values == [1, 1] && second.tensor("x").values == [2, 2])
        _ = bytes(3)
        #expect(try first.tensor("x").values == [1, 1] && second.tensor("x").values == [2, 2])
    }

    @Test func writersOfOneFileDoNotDisturbEachOther() async throws {
        let folder = NSTemporaryDirectory() + "/halcyon-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask { try replaceFile(folder + "/file", with: [UInt8](repeating: UInt8(number), count: 100_000)) }
            }
            try await group.waitForAll()
        }
        let content = try #require(FileManager.default.contents(atPath: folder + "/file"))
        #expect(content.count == 100_000 && Set(content).count == 1)
        try FileManager.default.createDirectory(atPath: folder + "/taken", withIntermediateDirectories: true)
        #expect(try inputError { try replaceFile(folder + "/taken", with: [1]) } != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["file", "taken"])
    }

    @Test func weightsThatAreNoNumbersAreRefused() throws {
        let (denoised, network) = (try model(), try Samples.architecture())
        for value in [Float.nan, .infinity] {
            var tensors = denoised.tensors
            let index = try #require(tensors.firstIndex { $0.name == "conv1.weight" })
            tensors[index].values[3] = value
            let error = try #require(try inputError { _ = try Denoiser(network, tensors: tensors, path: "model.h5") })
            #expect(error.message.contains("model.h5") && error.message.contains("conv1.weight") && error.hint != nil)
        }
    }

    @Test func whatIsNoModelIsRefused() throws {
        try Samples.withFolder { folder in
            #expect(try inputError { _ = try ModelFile.read(folder + "/none.h5") }?.description.contains("no such file") == true)
            #expect(try inputError { _ = try ModelFile.read(folder) } != nil)
            try ProtectedFile.write(Array("not HDF5 at all".utf8), to: folder + "/text.h5")
            #expect(try inputError { _ = try ModelFile.read(folder + "/text.h5") } != nil)
            let trainer = try Samples.trainer(Samples.architecture())
            try trainer.checkpoint().write(to: folder + "/checkpoint.h5")
            #expect(try inputError { _ = try ModelFile.read(folder + "/checkpoint.h5") } != nil)
            #expect(try inputError { try model().write(to: folder + "/missing/model.h5") } != nil)
        }
    }

    private static func python(_ arguments: [String]) -> Int32? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        return process.terminationStatus
    }

    @Test(.enabled(if: ModelFileTests.python(["-c", "import h5py"]) == 0, "python3 with h5py is not installed"))
    func otherProgramsOpenIt() throws {
        try Samples.withFolder { folder in
            try model().write(to: folder + "/model.h5")
            let script = """
                import h5py, json, sys
                f = h5py.File(sys.argv[1])
                assert f.attrs['halcyon_model'] == 1 and f['parameters/conv0.weight'].shape == (4, 1, 3, 3)
                assert 'network' in json.loads(f['architecture'][()])
                """
            #expect(Self.python(["-c", script, folder + "/model.h5"]) == 0)
        }
    }
}
