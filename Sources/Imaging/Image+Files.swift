import CImageCodecs
import Documents
import Foundation

extension Image {
    /// Reads a PNG (1 to 16 bit; gray, RGB or palette) or a JPEG, told apart by their first bytes.
    ///
    /// Alpha and the orientation tag of cameras are ignored.
    /// An 8-bit sample v becomes `Float(v) / 255`, a 16-bit one `Float(v) / 65535`.
    /// - Parameter channels: 1 for gray (BT.601 luma, rounded to the file's bits, as other programs have it), 3 for RGB, nil for
    ///   what the file has.
    /// - Throws: `InputError` naming the file when it is missing, truncated, corrupt or no picture.
    package static func load(_ path: String, channels: Int? = nil) throws -> Image {
        try decode(readInputFile(path, "a PNG or JPEG picture"), name: path, channels: channels)
    }

    /// Decodes the content of a PNG or JPEG file; `name` stands in errors.
    package static func decode(_ data: Data, name: String, channels: Int? = nil) throws -> Image {
        guard let format = ImageFileFormat(opening: data) else {
            throw InputError(
                file: name, data.isEmpty ? "the file is empty" : "is neither a PNG nor a JPEG picture",
                hint: "PNG and JPEG files can be read")
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
            }
        }
        defer { halcyon_picture_free(&picture) }
        if let reason {
            throw InputError(
                file: name, "cannot be decoded as \(format.name): \(reason)", hint: "the file may be damaged or cut short")
        }
        let image = Image(picture)
        guard let channels, channels != image.channels else { return image }
        let converted = image.converted(toChannels: channels)
        return picture.bits == 16 ? converted.rounded(to: UInt16.self) : converted.rounded(to: UInt8.self)
    }

    /// The picture that a file with samples of this type would hold.
    private func rounded<Sample: FixedWidthInteger & UnsignedInteger>(to type: Sample.Type) -> Image {
        let pixels = quantized(to: type).map { Float($0) / Float(Sample.max) }
        return Image(height: height, width: width, channels: channels, pixels: pixels)
    }

    /// Gray or RGB of a decoded picture, without its alpha.
    private init(_ picture: halcyon_picture) {
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
        self.init(
            height: Int(picture.height), width: Int(picture.width), channels: kept,
            pixels: picture.bits == 16 ? samples(UInt16.self) : samples(UInt8.self))
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
                    bits: UInt32(bits))
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

/// The picture formats that can be read, by their magic numbers.
package enum ImageFileFormat: CaseIterable, Sendable {
    case png, jpeg

    package var name: String {
        switch self {
        case .png: "PNG"
        case .jpeg: "JPEG"
        }
    }

    package var magic: [UInt8] {
        switch self {
        case .png: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        case .jpeg: [0xFF, 0xD8, 0xFF]
        }
    }

    /// File name endings (in lower case) that promise this format.
    package var endings: [String] {
        switch self {
        case .png: ["png"]
        case .jpeg: ["jpg", "jpeg"]
        }
    }

    package init?(opening bytes: some Collection<UInt8>) {
        guard let match = Self.allCases.first(where: { bytes.starts(with: $0.magic) }) else { return nil }
        self = match
    }
}
