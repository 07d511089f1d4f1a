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

    @Test func doublesAreWrittenExactlyAndReadRounded() throws {
        try Samples.withFolder { folder in
            let path = folder + "/x.safetensors"
            let values = [0.1, -1e-300, .pi, 1e300, .infinity]
            try SafetensorsFile.write(
                [
                    StoredTensor(name: "short", sizes: [1, 3], values: [1, 2, 3] as [Float]),
                    StoredTensor(name: "long", sizes: [5], values: values),
                ], metadata: [("who", "\"us\""), ("seed", "3")], to: path)
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
            let start = 8 + Int(bytes[0]) + 256 * Int(bytes[1])
            // The tensor of wide elements lies first, aligned.
            #expect(start % 8 == 0 && bytes.count == start + 5 * 8 + 3 * 4)
            let raw = (0..<5).map { n in (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + 8 * n + $1]) << UInt64(8 * $1) } }
            #expect(raw == values.map(\.bitPattern))
            let header = try Document.parse(String(decoding: bytes[8..<start], as: UTF8.self), file: "header")
            #expect(header["__metadata__"]?.json == "{\"who\":\"\\\"us\\\"\",\"seed\":\"3\"}")
            #expect(header["long"]?.json == "{\"dtype\":\"F64\",\"shape\":[5],\"data_offsets\":[0,40]}")
            #expect(header["short"]?.json == "{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[40,52]}")
            let tensors = try SafetensorsFile.read(path)
            #expect(tensors == [
                NamedTensor(name: "long", sizes: [5], values: values.map { Float($0) }),
                NamedTensor(name: "short", sizes: [1, 3], values: [1, 2, 3]),
            ])
        }
    }

    /// Zeros, the smallest and the largest subnormal, the smallest normal, one, the largest, and the infinities.
    static let shortFloats: [(type: String, words: [UInt16], values: [Float])] = [
        (
            "F16", [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00, 0x7BFF, 0x7C00, 0xFC00],
            [0, -0.0, 0x1p-24, -0x1.FF8p-15, 0x1p-14, 1, 65504, .infinity, -.infinity]
        ),
        (
            "BF16", [0x0000, 0x8000, 0x0001, 0x807F, 0x0080, 0x3F80, 0x7F7F, 0x7F80, 0xFF80],
            [0, -0.0, 0x1p-133, -0x1.FCp-127, 0x1p-126, 1, 0x1.FEp127, .infinity, -.infinity]
        ),
    ]

    @Test(arguments: shortFloats)
    func everyKindOfShortFloatIsRead(_ type: String, _ words: [UInt16], _ expected: [Float]) throws {
        try Samples.withFolder { folder in
            let header = "{\"a\":{\"dtype\":\"\(type)\",\"shape\":[9],\"data_offsets\":[0,18]}}"
            let data = words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
            let found = try SafetensorsFile.read(file(header, data, in: folder))[0].values
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
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
