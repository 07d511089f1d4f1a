import Documents
import Foundation
import Imaging
import RandomStreams
import Testing

@Suite struct ImageFileTests {
    static func random(_ height: Int, _ width: Int, _ channels: Int, levels: Double) -> Image {
        var stream = RandomStream(seed: 5)
        return Image(
            height: height, width: width, channels: channels,
            pixels: (0..<height * width * channels).map { _ in Float(stream.index(below: Int(levels) + 1)) / Float(levels) })
    }

    @Test(arguments: [1, 3], [8, 16])
    func savedPicturesReadBackExactly(channels: Int, bits: Int) throws {
        try withTemporaryFolder { folder in
            let image = Self.random(13, 7, channels, levels: bits == 8 ? 255 : 65535)
            try image.save(folder + "/a.png", bits: bits)
            #expect(try Image.load(folder + "/a.png") == image)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.png"])
        }
    }

    @Test func everyByteIsItsFloatOver255() throws {
        let image = Image(height: 16, width: 16, channels: 1, pixels: (0..<256).map { Float($0) / 255 })
        #expect(try Image.decode(try image.pngData(), name: "bytes").pixels == image.pixels)
        #expect(image.bytes == (0...255).map { UInt8($0) })
    }

    @Test func writingClampsAndRoundsHalfToEven() {
        let image = Image(height: 1, width: 6, channels: 1, pixels: [-1, 2, .nan, 0.5, 1.5 / 255, 2.5 / 255])
        #expect(image.bytes == [0, 255, 0, 128, 2, 2])
    }

    @Test func everyKindOfPNGIsRead() throws {
        func levels(_ data: Data, _ scale: Float = 255) throws -> [Float] {
            try Image.decode(data, name: "sample").pixels.map { ($0 * scale).rounded() }
        }
        #expect(try levels(SampleFiles.palette) == [255, 0, 0, 0, 128, 0, 10, 20, 30, 10, 20, 30, 0, 128, 0, 255, 0, 0])
        #expect(try levels(SampleFiles.twoBitGray) == [0, 85, 170, 255])
        #expect(try levels(SampleFiles.gray16, 65535) == [0, 258, 40000, 65535])
        #expect(try levels(SampleFiles.rgba) == [1, 2, 3, 250, 251, 252])
        #expect(try levels(SampleFiles.grayAlpha) == [7, 200])
    }

    @Test func jpegIsRead() throws {
        let colour = try Image.decode(SampleFiles.colourJPEG, name: "colour")
        #expect(colour.height == 24 && colour.width == 24 && colour.channels == 3)
        let gray = try Image.decode(SampleFiles.grayJPEG, name: "gray")
        #expect(gray.channels == 1)
        // A slope of 9 a column and 3 a row, modulo 256; the left two columns of 8x8 blocks do not wrap around.
        for y in 0..<24 {
            for x in 0..<16 { #expect(abs(gray.pixels[y * 24 + x] * 255 - Float(x * 9 + y * 3)) < 6, "\(x), \(y)") }
        }
    }

    @Test func channelsConvert() throws {
        let gray = Self.random(4, 5, 1, levels: 255)
        #expect(gray.converted(toChannels: 3).channel(2) == gray)
        #expect(gray.converted(toChannels: 3).converted(toChannels: 1).bytes == gray.bytes)
        let colour = Self.random(4, 5, 3, levels: 255)
        #expect(Image(stacking: (0..<3).map { colour.channel($0) }) == colour)
        let red = Image(height: 1, width: 1, channels: 3, pixels: [1, 0, 0])
        #expect(red.converted(toChannels: 1).pixels == [0.299])
        #expect(try Image.decode(try gray.pngData(), name: "gray", channels: 1) == gray)
        // A colour file read as gray has gray levels of the file's bits, as a gray file made of it by other programs has.
        #expect(try Image.decode(try red.pngData(bits: 8), name: "red", channels: 1).pixels == [76.0 / 255])
        #expect(try Image.decode(try red.pngData(bits: 16), name: "red", channels: 1).pixels == [19595.0 / 65535])
    }

    @Test func aFileThatIsNoPictureIsRefusedWithItsName() throws {
        try withTemporaryFolder { folder in
            try Data("text".utf8).write(to: URL(fileURLWithPath: folder + "/a.png"))
            try Data().write(to: URL(fileURLWithPath: folder + "/empty.png"))
            for name in ["a.png", "empty.png", "missing.png", "."] {
                let error = #expect(throws: InputError.self) { try Image.load(folder + "/" + name) }
                #expect(error?.description.contains(folder + "/" + name) == true)
            }
        }
    }

    @Test func aTruncatedFileIsRefused() throws {
        for (name, data) in [("palette", SampleFiles.palette), ("rgba", SampleFiles.rgba), ("colour", SampleFiles.colourJPEG), ("gray", SampleFiles.grayJPEG)] {
            for count in 0..<data.count {
                #expect(throws: InputError.self, "\(name) cut to \(count) of \(data.count) bytes") {
                    try Image.decode(data.prefix(count), name: name)
                }
            }
        }
    }

    /// A header with a right checksum that promises far more than the file has.
    @Test func aHugeHeaderIsRefused() throws {
        var data = SampleFiles.rgba
        for (width, height) in [(60_000, 60_000), (0x7FFF_FFFF, 0x7FFF_FFFF), (0, 1), (30_000, 4_000)] {
            for k in 0..<4 {
                data[16 + k] = UInt8(width >> (24 - 8 * k) & 255)
                data[20 + k] = UInt8(height >> (24 - 8 * k) & 255)
            }
            var checksum: UInt32 = .max
            for byte in data[12..<29] {
                checksum ^= UInt32(byte)
                for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 0 ? 0 : 0xEDB8_8320) }
            }
            for k in 0..<4 { data[29 + k] = UInt8(truncatingIfNeeded: ~checksum >> UInt32(24 - 8 * k)) }
            let error = #expect(throws: InputError.self) { try Image.decode(data, name: "huge.png") }
            #expect(error?.description.contains("crc") == false)
        }
    }

    /// PNG chunks have checksums, so every flipped byte is found; a JPEG has none: some flips decode to another picture, never to a crash.
    @Test func aFlippedByteIsRefusedOrHarmless() throws {
        let png = try Self.random(9, 9, 3, levels: 255).pngData()
        for position in png.indices {
            for mask: UInt8 in [0x01, 0x80, 0xFF] {
                var damaged = png
                damaged[position] ^= mask
                #expect(throws: InputError.self, "byte \(position)") { try Image.decode(damaged, name: "png") }
            }
        }
        for data in [SampleFiles.colourJPEG, SampleFiles.grayJPEG] {
            var refused = 0
            for position in data.indices {
                for mask: UInt8 in [0x01, 0x10, 0xFF] {
                    var damaged = data
                    damaged[position] ^= mask
                    do {
                        let image = try Image.decode(damaged, name: "jpeg")
                        #expect(image.pixels.allSatisfy { 0 <= $0 && $0 <= 1 })
                    } catch is InputError {
                        refused += 1
                    }
                }
            }
            #expect(refused > data.count / 10)
        }
    }
}
