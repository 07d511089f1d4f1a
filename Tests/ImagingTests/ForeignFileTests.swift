import Documents
import Foundation
import Imaging
import Testing

/// TIFF and MATLAB files, written here byte by byte.
@Suite struct ForeignFileTests {
    static func little(_ value: Int, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    /// One strip, samples as they are in the file.
    private static func tiff(
        _ height: Int, _ width: Int, channels: Int, bits: Int, compression: Int, strip: [UInt8], light: Int? = nil
    ) -> Data {
        let light = light ?? (channels == 1 ? 1 : 2)
        // Bits per sample of several channels lie outside the entry.
        let bitsAt = 8, stripAt = bitsAt + 2 * channels
        let tags: [(tag: Int, kind: Int, count: Int, value: Int)] = [
            (256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, channels == 1 ? bits : bitsAt), (259, 3, 1, compression),
            (262, 3, 1, light), (273, 4, 1, stripAt), (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, strip.count),
        ]
        var file = Array("II".utf8) + little(42, 2) + little(stripAt + strip.count, 4)
        for _ in 0..<channels { file += little(bits, 2) }
        file += strip + little(tags.count, 2)
        for tag in tags { file += little(tag.tag, 2) + little(tag.kind, 2) + little(tag.count, 4) + little(tag.value, 4) }
        return Data(file + little(0, 4))
    }

    /// Runs and literals, each row by itself.
    private static func packBits(_ bytes: [UInt8], row: Int) -> [UInt8] {
        stride(from: 0, to: bytes.count, by: row).flatMap { start -> [UInt8] in
            var packed: [UInt8] = []
            var at = start
            while at < start + row {
                var end = at
                while end < start + row, bytes[end] == bytes[at], end - at < 128 { end += 1 }
                packed += end - at > 1 ? [UInt8(truncatingIfNeeded: 1 - (end - at)), bytes[at]] : [0, bytes[at]]
                at = end
            }
            return packed
        }
    }

    /// A zlib stream of one stored block.
    private static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var a = 1, b = 0
        for byte in bytes {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        let sum = b << 16 | a
        return [0x78, 0x01, 1] + little(bytes.count, 2) + little(~bytes.count, 2) + bytes + little(sum, 4).reversed()
    }

    private func load(_ data: Data, channels: Int? = nil) throws -> Image {
        try withTemporaryFolder { folder in
            try data.write(to: URL(fileURLWithPath: folder + "/picture"))
            return try Image.load(folder + "/picture", channels: channels)
        }
    }

    @Test(arguments: [1, 3], [8, 16]) func tiffsOfEveryCompressionAreRead(channels: Int, bits: Int) throws {
        let (height, width) = (5, 7), top = bits == 8 ? 255 : 65535
        let levels = (0..<height * width * channels).map { $0 < 20 ? 3 : ($0 * 7919) % (top + 1) }
        let bytes = levels.flatMap { Self.little($0, bits / 8) }
        let expected = Image(height: height, width: width, channels: channels, pixels: levels.map { Float($0) / Float(top) })
        for (compression, strip) in [
            (1, bytes), (32773, Self.packBits(bytes, row: width * channels * bits / 8)), (8, Self.deflated(bytes)), (32946, Self.deflated(bytes)),
        ] {
            let file = Self.tiff(height, width, channels: channels, bits: bits, compression: compression, strip: strip)
            #expect(try load(file) == expected, "compression \(compression)")
        }
        let negative = Self.tiff(height, width, channels: 1, bits: 8, compression: 1, strip: Array(bytes.prefix(35)), light: 0)
        #expect(try load(negative).bytes == bytes.prefix(35).map { 255 - $0 })
    }

    @Test func brokenTIFFsAreLocatedErrors() throws {
        let bytes = [UInt8](repeating: 9, count: 35)
        let whole = Self.tiff(5, 7, channels: 1, bits: 8, compression: 8, strip: Self.deflated(bytes))
        var flipped = whole
        flipped[20] ^= 0x55
        for data in [whole.prefix(30), flipped, whole.prefix(whole.count - 20), Self.tiff(60000, 60000, channels: 1, bits: 8, compression: 1, strip: bytes)] {
            let error = try #require(throws: InputError.self) { try load(Data(data)) }
            #expect(error.description.contains("picture: cannot be decoded as TIFF"), "\(error)")
        }
    }

    /// An array of MATLAB's version 5, uncompressed; its numbers column by column.
    static func matlab(_ sizes: [Int], kind: Int, storage: Int, bytes: [UInt8]) -> Data {
        func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8) }
        func element(_ type: Int, _ bytes: [UInt8]) -> [UInt8] { little(type, 4) + little(bytes.count, 4) + padded(bytes) }
        let head = Array("MATLAB 5.0 MAT-file, made by a test".utf8)
        let body = element(6, little(kind, 4) + little(0, 4)) + element(5, sizes.flatMap { little($0, 4) }) + element(1, Array("image".utf8))
            + element(storage, bytes)
        return Data(head + [UInt8](repeating: 32, count: 124 - head.count) + [0, 1] + Array("IM".utf8) + element(14, body))
    }

    @Test func matlabCountsRowsFirst() throws {
        let (height, width) = (3, 4)
        func level(_ y: Int, _ x: Int, _ k: Int) -> Int { y * 40 + x * 10 + k }
        var bytes: [UInt8] = []
        for k in 0..<3 { for x in 0..<width { for y in 0..<height { bytes.append(UInt8(level(y, x, k))) } } }
        let colour = try load(Self.matlab([height, width, 3], kind: 9, storage: 2, bytes: bytes))
        #expect(colour.height == height && colour.width == width && colour.channels == 3)
        for y in 0..<height {
            for x in 0..<width { for k in 0..<3 { #expect(colour.bytes[(y * width + x) * 3 + k] == UInt8(level(y, x, k))) } }
        }
        let floats: [Float] = [0, 0.25, -0.5, 1.5, 1e-3, 1]
        let gray = try load(Self.matlab([2, 3], kind: 7, storage: 7, bytes: floats.flatMap { Self.little(Int($0.bitPattern), 4) }))
        #expect(gray.pixels == [0, -0.5, 1e-3, 0.25, 1.5, 1])
    }

    /// SIDD's validation set in small: a byte that tells image, block, row, column and channel apart.
    static func blocks(_ images: Int, _ blocks: Int, _ height: Int, _ width: Int, _ salt: Int = 0) -> Data {
        var bytes: [UInt8] = []
        for k in 0..<3 {
            for x in 0..<width { for y in 0..<height { for b in 0..<blocks { for a in 0..<images {
                bytes.append(level(a, b, y, x, k, salt))
            } } } }
        }
        return matlab([images, blocks, height, width, 3], kind: 9, storage: 2, bytes: bytes)
    }

    static func level(_ a: Int, _ b: Int, _ y: Int, _ x: Int, _ k: Int, _ salt: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: 101 * a + 53 * b + 17 * y + 5 * x + 83 * k + salt)
    }

    @Test func blocksAreCountedAsInTheFile() throws {
        try withTemporaryFolder { folder in
            // More columns than are copied at a time.
            let (height, width) = (3, 70)
            for (salt, name) in ["clean.mat", "noisy.mat"].enumerated() {
                try Self.blocks(4, 2, height, width, salt).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            func open(_ rest: String, channels: Int = 3) throws -> ImageSet {
                try DatasetTests.describe("{kind: blocks, path: \(folder), noisy: noisy.mat, clean: clean.mat\(rest)}", .validation)
                    .open(channels: channels, seed: 1)
            }
            let set = try open("")
            #expect((0..<set.count).map(set.name) == ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "4_1", "4_2"])
            for i in 0..<set.count {
                let noisy = try #require(try set.noisy(i))
                for (salt, image) in [try set.image(i), noisy].enumerated() {
                    #expect(image.height == height && image.width == width && image.channels == 3)
                    for y in 0..<height {
                        for x in 0..<width {
                            for k in 0..<3 { #expect(image.bytes[(y * width + x) * 3 + k] == Self.level(i / 2, i % 2, y, x, k, salt)) }
                        }
                    }
                }
            }
            let held = try open(", scene: \"(*)_*\", folds: 2, take: [2], only: [\"*_1\"]", channels: 1)
            #expect((0..<held.count).map(held.name) == ["2_1", "4_1"])
            #expect(try held.image(0).bytes == set.image(2).converted(toChannels: 1).bytes)
            try Self.blocks(4, 2, height, width + 1).write(to: URL(fileURLWithPath: folder + "/noisy.mat"))
            let error = try #require(throws: InputError.self) { try open("") }
            #expect(error.description.contains("noisy.mat") && error.description.contains("4 x 2 blocks of 3x71"), "\(error)")
        }
    }

    @Test func brokenMATLABFilesAreLocatedErrors() throws {
        let whole = Self.matlab([8, 8], kind: 9, storage: 2, bytes: [UInt8](repeating: 7, count: 64))
        let nan = Self.matlab([2, 2], kind: 7, storage: 7, bytes: [UInt8](repeating: 255, count: 16))
        let many = Self.matlab([2, 2, 2, 2], kind: 9, storage: 2, bytes: [UInt8](repeating: 7, count: 16))
        for data in [whole.prefix(120), nan, many] {
            let error = try #require(throws: InputError.self) { try load(Data(data)) }
            #expect(error.description.contains("picture"), "\(error)")
        }
    }

    /// The decoder's process may die; ours goes on.
    @Test func aCrashOfADecoderIsAnError() throws {
        let error = try #require(throws: InputError.self) { try Image.loadCrashing("some.tif") }
        #expect(error.description.contains("some.tif: cannot be decoded as TIFF: its decoder crashed"), "\(error)")
    }

    /// Decoders start while other threads read HDF5 files and allocate.
    @Test func filesAreDecodedFromManyThreads() async throws {
        let bytes = [UInt8](0..<35), file = Self.tiff(5, 7, channels: 1, bits: 8, compression: 1, strip: bytes)
        let matlab = Self.matlab([5, 7], kind: 9, storage: 2, bytes: bytes)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let picture = try load(number % 2 == 0 ? file : matlab)
                    return picture.height == 5 && picture.width == 7 && picture.bytes.sorted() == bytes
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    /// The PSNR is scipy's and numpy's.
    @Test func theSharedSamplesStandUpright() throws {
        guard let data = SharedData.folder, FileManager.default.fileExists(atPath: data + "/SIDD_sample/noisy.mat") else {
            return print("SKIPPED: there is no ../shared/data/SIDD_sample")
        }
        let noisy = try Image.load(data + "/SIDD_sample/noisy.mat"), clean = try Image.load(data + "/SIDD_sample/gt.mat")
        #expect(noisy.height == 256 && noisy.width == 256 && noisy.channels == 3)
        #expect(abs(peakSignalToNoise(noisy, clean) - 16.14689225936636) < 1e-9)
        #expect(Array(noisy.bytes[3..<6]) == [105, 163, 172] && Array(noisy.bytes[768..<771]) == [85, 186, 186])
        let patch = try Image.load(data + "/DND_sample/1.mat")
        #expect(patch.height == 512 && Array(patch.bytes[3..<6]) == [119, 107, 111] && Array(patch.bytes[511 * 1536..<511 * 1536 + 3]) == [66, 32, 53])
    }
}
