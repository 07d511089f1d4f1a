import CImageCodecs
import Documents
import Foundation

extension Image {
    /// Reads a PNG (1 to 16 bit; gray, RGB or palette), a JPEG, a TIFF (8 or 16 bit) or the first image in a MATLAB file (v5 to v7.3), told
    /// apart by their first bytes.
    ///
    /// TIFF and MATLAB files are decoded in a child process: a crash of their codecs is an `InputError`.
    /// Alpha and the orientation tag of cameras are ignored.
    /// An 8-bit sample v becomes `Float(v) / 255`, a 16-bit one `Float(v) / 65535`; MATLAB's floating
    /// point samples are taken as they are, white being 1.
    /// - Parameter channels: 1 for gray (BT.601 luma, rounded to the file's bits, as other programs have it), 3 for RGB, nil for
    ///   what the file has.
    /// - Throws: `InputError` naming the file when it is missing, truncated, corrupt or no picture.
    package static func load(_ path: String, channels: Int? = nil) throws -> Image {
        let data = try readInputFile(path, "a picture")
        switch ImageFileFormat(opening: data) {
        case .tiff: return try decodeForeign(HALCYON_TIFF, .tiff, path, channels: channels)
        case .matlab: return try decodeForeign(HALCYON_MATLAB, .matlab, path, channels: channels)
        default: return try decode(data, name: path, channels: channels)
        }
    }

    /// A decoder that crashes, for tests of what becomes of it.
    package static func loadCrashing(_ path: String) throws -> Image { try decodeForeign(HALCYON_CRASH, .tiff, path, channels: nil) }

    /// Decodes a file in a child process.
    private static func decodeForeign(_ decoder: halcyon_foreign_format, _ format: ImageFileFormat, _ path: String, channels: Int?) throws -> Image {
        var picture = try decodedForeign(decoder, format, path)
        defer { halcyon_picture_free(&picture) }
        let image = Image(picture)
        guard image.pixels.allSatisfy(\.isFinite) else {
            throw InputError(file: path, "has samples that are no finite numbers", hint: "expected samples in 0...1")
        }
        return image.asFile(channels: channels, bits: picture.bits)
    }

    /// What a child process decodes; `halcyon_picture_free` ends it.
    fileprivate static func decodedForeign(
        _ decoder: halcyon_foreign_format, _ format: ImageFileFormat, _ path: String
    ) throws -> halcyon_picture {
        var picture = halcyon_picture()
        var text = [CChar](repeating: 0, count: 256)
        guard halcyon_foreign_decode(decoder, path, &picture, &text, text.count) == 0 else {
            let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw InputError(
                file: path, "cannot be decoded as \(format.name): \(reason)", hint: "the file may be damaged, cut short, or of a rare kind")
        }
        return picture
    }

    /// Decodes the content of a PNG or JPEG file; `name` stands in errors.
    package static func decode(_ data: Data, name: String, channels: Int? = nil) throws -> Image {
        guard let format = ImageFileFormat(opening: data) else {
            let names = ImageFileFormat.allCases.map(\.name).joined(separator: ", ")
            throw InputError(file: name, data.isEmpty ? "the file is empty" : "is no picture", hint: "\(names) files can be read")
        }
        var picture = halcyon_picture()
        let reason: String? = data.withUnsafeBytes { raw in
            let bytes = raw.bindMemory(to: UInt8.self)
            switch format {
            case .png:
                return halcyon_png_decode(bytes.baseAddress, bytes.count, &picture).map { String(cString: $0) }
            case .jpeg:
                var text = [CChar](repeating: 0, count: 256)
                guard halcyon_jpeg_decode(bytes.baseAddress, bytes.count, &picture, &text, text.count) != 0 else { return nil }
                return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            case .tiff, .matlab: return "it is read from files only"
            }
        }
        defer { halcyon_picture_free(&picture) }
        if let reason {
            throw InputError(
                file: name, "cannot be decoded as \(format.name): \(reason)", hint: "the file may be damaged or cut short")
        }
        return Image(picture).asFile(channels: channels, bits: picture.bits)
    }

    /// With these channels, rounded to the bits of its file.
    fileprivate func asFile(channels wanted: Int?, bits: UInt32) -> Image {
        guard let wanted, wanted != channels else { return self }
        let converted = converted(toChannels: wanted)
        switch bits {
        case 8: return converted.rounded(to: UInt8.self)
        case 16: return converted.rounded(to: UInt16.self)
        default: return converted
        }
    }

    /// The picture that a file with samples of this type would hold.
    private func rounded<Sample: FixedWidthInteger & UnsignedInteger>(to type: Sample.Type) -> Image {
        let pixels = quantized(to: type).map { Float($0) / Float(Sample.max) }
        return Image(height: height, width: width, channels: channels, pixels: pixels)
    }

    /// Gray or RGB of a decoded picture, without its alpha.
    fileprivate init(_ picture: halcyon_picture) {
        let stored = Int(picture.channels)
        let kept = stored <= 2 ? 1 : 3
        let count = Int(picture.height) * Int(picture.width)
        func samples<Sample: FixedWidthInteger & UnsignedInteger>(_ type: Sample.Type) -> [Float] {
            let source = picture.samples.assumingMemoryBound(to: Sample.self)
            let top = Float(Sample.max)
            return [Float](unsafeUninitializedCapacity: count * kept) { target, initialized in
                for i in 0..<count {
                    for k in 0..<kept { target[i * kept + k] = Float(source[i * stored + k]) / top }
                }
                initialized = count * kept
            }
        }
        let pixels: [Float]
        switch picture.bits {
        case 8: pixels = samples(UInt8.self)
        case 16: pixels = samples(UInt16.self)
        default: pixels = Array(UnsafeBufferPointer(start: picture.samples.assumingMemoryBound(to: Float.self), count: count * kept))
        }
        self.init(height: Int(picture.height), width: Int(picture.width), channels: kept, pixels: pixels)
    }

    /// The picture as a PNG file's content: gray or RGB, 8 or 16 bit; samples are clamped and rounded half to even.
    package func pngData(bits: Int = 8) throws -> Data {
        precondition(channels == 1 || channels == 3, "a PNG file is gray or RGB")
        precondition(bits == 8 || bits == 16, "8 or 16 bits a sample")
        func encode<Sample: FixedWidthInteger & UnsignedInteger>(_ type: Sample.Type) throws -> Data {
            var samples = quantized(to: type)
            return try samples.withUnsafeMutableBytes { raw in
                var picture = halcyon_picture(
                    samples: raw.baseAddress, width: UInt32(width), height: UInt32(height), channels: UInt32(channels),
                    bits: UInt32(bits), groups: 0, blocks: 0)
                var bytes: UnsafeMutablePointer<UInt8>?
                var count = 0
                let reason = halcyon_png_encode(&picture, &bytes, &count)
                guard reason == nil, let bytes else {
                    throw InputError("cannot encode the PNG: \(reason.map { String(cString: $0) } ?? "no data")")
                }
                defer { halcyon_bytes_free(bytes) }
                return Data(bytes: bytes, count: count)
            }
        }
        return bits == 16 ? try encode(UInt16.self) : try encode(UInt8.self)
    }

    /// The picture as a JPEG file's content, 8 bit; samples are clamped and rounded half to even. Colour at half the resolution.
    /// - Parameter quality: libjpeg's, 1...100.
    package func jpegData(quality: Int) throws -> Data {
        precondition(channels == 1 || channels == 3, "a JPEG file is gray or RGB")
        var samples = bytes
        return try samples.withUnsafeMutableBytes { raw in
            var picture = halcyon_picture(
                samples: raw.baseAddress, width: UInt32(width), height: UInt32(height), channels: UInt32(channels), bits: 8,
                groups: 0, blocks: 0)
            var bytes: UnsafeMutablePointer<UInt8>?
            var count = 0
            guard halcyon_jpeg_encode(&picture, Int32(quality), &bytes, &count) == 0, let bytes else {
                throw InputError("cannot encode a JPEG of \(height)x\(width)", hint: "a JPEG has at most 65535 rows and columns")
            }
            defer { halcyon_jpeg_free(bytes) }
            return Data(bytes: bytes, count: count)
        }
    }

    /// Writes a PNG file under a temporary name in the same folder and renames it, so that no reader sees half a file.
    package func save(_ path: String, bits: Int = 8) throws {
        let data = try pngData(bits: bits)
        do {
            try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            // Foundation's own words tell its error domain; the system's are meant for people.
            let system = (error as? CocoaError)?.underlying as? POSIXError
            let reason = system.map { ": \(String(cString: strerror($0.code.rawValue)))" } ?? ""
            throw InputError(file: path, "cannot be written\(reason)", hint: "check the folder, its permissions and the free space")
        }
    }
}

/// Pictures as a file's decoder gave them, one below the other, from which rows are taken: a quarter of the memory of `Image`'s or less.
final class StoredPicture: @unchecked Sendable {
    /// Written by `init` alone.
    private var picture: halcyon_picture

    var height: Int { Int(picture.height) }
    var width: Int { Int(picture.width) }
    var groups: Int { Int(picture.groups) }
    var blocks: Int { Int(picture.blocks) }

    /// The blocks of a MATLAB file.
    /// - Throws: `InputError` that names the file.
    init(blocksOf path: String) throws {
        guard ImageFileFormat(opening: try readInputFile(path, "a MATLAB file", prefix: 32)) == .matlab else {
            throw InputError(file: path, "is no MATLAB file", hint: "name the .mat file of the blocks")
        }
        picture = try Image.decodedForeign(HALCYON_MATLAB_BLOCKS, .matlab, path)
        if picture.bits == 32 {
            let samples = picture.samples.assumingMemoryBound(to: Float.self)
            guard (0..<height * width * Int(picture.channels)).allSatisfy({ samples[$0].isFinite }) else {
                throw InputError(file: path, "has samples that are no finite numbers", hint: "expected samples in 0...1")
            }
        }
    }

    deinit { halcyon_picture_free(&picture) }

    /// Some rows as a picture, as `Image.load` makes one.
    func rows(_ rows: Range<Int>, channels: Int) -> Image {
        var part = picture
        part.height = UInt32(rows.count)
        part.samples = picture.samples + rows.lowerBound * width * Int(picture.channels) * Int(picture.bits / 8)
        return Image(part).asFile(channels: channels, bits: picture.bits)
    }
}

/// The picture formats that can be read, by their magic numbers.
package enum ImageFileFormat: String, CaseIterable, Sendable {
    case png, jpeg, tiff, matlab

    /// All of them, for sentences: "PNG, JPEG, TIFF or MATLAB".
    package static var words: String {
        let names = allCases.map(\.name)
        return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    }

    package var name: String { self == .matlab ? "MATLAB" : rawValue.uppercased() }

    /// How files of this format begin.
    package var magics: [[UInt8]] {
        switch self {
        case .png: [[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]]
        case .jpeg: [[0xFF, 0xD8, 0xFF]]
        case .tiff: [[0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A]]
        case .matlab: [Array("MATLAB 5.0 MAT-file".utf8), Array("MATLAB 7.3 MAT-file".utf8)]
        }
    }

    /// File name endings (in lower case) that promise this format.
    package var endings: [String] {
        switch self {
        case .png: ["png"]
        case .jpeg: ["jpg", "jpeg"]
        case .tiff: ["tif", "tiff"]
        case .matlab: ["mat"]
        }
    }

    package init?(opening bytes: some Collection<UInt8>) {
        guard let match = Self.allCases.first(where: { $0.magics.contains { bytes.starts(with: $0) } }) else { return nil }
        self = match
    }
}
