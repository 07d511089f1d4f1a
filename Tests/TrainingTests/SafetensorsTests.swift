import Documents
import Foundation
import Testing
import Training

@Suite struct SafetensorsTests {
    /// A file with a header as given and `data` behind it.
    private func file(_ header: String, _ data: [UInt8], in folder: String) throws -> String {
        let path = folder + "/x.safetensors"
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
        try Data(length + Array(header.utf8) + data).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test func tensorsComeBack() throws {
        try Samples.withFolder { folder in
            let tensors = [
                NamedTensor(name: "a.weight", sizes: [2, 3], values: [1, -2, 0.5, .pi, 0x1p-140, -0.0]),
                NamedTensor(name: "empty", sizes: [0], values: []), NamedTensor(name: "scalar", sizes: [], values: [7]),
            ]
            try SafetensorsFile.write(tensors, to: folder + "/x.safetensors")
            #expect(try SafetensorsFile.read(folder + "/x.safetensors") == tensors)
        }
    }

    @Test func shortFloatsAreRead() throws {
        try Samples.withFolder { folder in
            let header = """
                {"__metadata__":{"format":"pt"},"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},\
                "b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]}}
                """
            let path = try file(header, [0x00, 0x3C, 0x01, 0x00, 0x80, 0x3F, 0x20, 0xC0], in: folder)
            let tensors = try SafetensorsFile.read(path)
            #expect(tensors.first { $0.name == "h" }?.values == [1, 0x1p-24])
            #expect(tensors.first { $0.name == "b" }?.values == [1, -2.5])
        }
    }

    @Test(arguments: [
        ("{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", "I64"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "needs 12 bytes, found 8"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", "outside"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,8],\"data_offsets\":[0,8]}}", "impossible"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}}", "integer"),
        ("{\"a\":{\"dtype\":\"F32\"}}", "missing"), ("{\"a\":", "x.safetensors"), ("[]", "not JSON"),
    ])
    func faultsNameTheFile(_ header: String, _ words: String) throws {
        try Samples.withFolder { folder in
            let path = try file(header, [UInt8](repeating: 0, count: 8), in: folder)
            let error = try #require(try inputError { _ = try SafetensorsFile.read(path) })
            #expect(error.description.contains(words) && error.description.contains("x.safetensors"), "\(error)")
        }
    }

    @Test func aCutHeaderIsRefused() throws {
        try Samples.withFolder { folder in
            let path = folder + "/x.safetensors"
            for bytes in [[], [1, 2], [255, 255, 255, 255, 255, 255, 255, 255], [9, 0, 0, 0, 0, 0, 0, 0, 0x7B]] as [[UInt8]] {
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                #expect(try inputError { _ = try SafetensorsFile.read(path) } != nil)
            }
        }
    }

    @Test func weightsOfAnotherNetworkAreListed() throws {
        try Samples.withFolder { folder in
            let path = folder + "/x.safetensors"
            var tensors = try Samples.trainer(Samples.architecture(normalization: "none")).parameters.namedTensors
            tensors.removeAll { $0.name == "conv0.bias" }
            tensors.append(NamedTensor(name: "extra", sizes: [1], values: [0]))
            if let index = tensors.firstIndex(where: { $0.name == "conv1.weight" }) {
                tensors[index] = NamedTensor(name: "conv1.weight", sizes: [2], values: [0, 0])
            }
            try SafetensorsFile.write(tensors, to: path)
            let architecture = try Samples.architecture(normalization: "none")
            let error = try #require(try inputError { _ = try Denoiser.load(path, architecture: architecture) })
            for words in [path, "missing: conv0.bias", "unexpected: extra", "conv1.weight (expected [4, 4, 3, 3], found [2])"] {
                #expect(error.description.contains(words), "\(error)")
            }
            #expect(try inputError { _ = try Denoiser.load(path) }?.hint?.contains("--architecture") == true)
        }
    }
}
