import Documents
import RandomStreams

/// What compression takes away: the picture, rounded to 8 bits, as a JPEG file of libjpeg's `quality` (1 worst, 100 best) gives it back;
/// colour is stored at half the resolution (4:2:0), as cameras and the web do: `{kind: jpeg, quality: [10, 60]}`.
package struct JPEGArtefacts: NoiseModel {
    package static let word = "jpeg"
    package static let keys = ["quality"]

    package let quality: NoiseRange

    package init(parsing document: Document) throws {
        quality = try NoiseRange(parsing: document.required("quality"), "quality", in: 1...100)
    }

    package var document: Document { ["kind": .string(Self.word), "quality": quality.document] }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        let quality = Int(quality.draw(&stream).rounded())
        let picture = Image(height: size.height, width: size.width, channels: size.channels, pixels: Array(clean))
        guard let file = try? picture.jpegData(quality: quality),
            let decoded = try? Image.decode(file, name: "a JPEG file in memory", channels: size.channels)
        else { preconditionFailure("libjpeg takes back its own file") }
        _ = noisy.update(fromContentsOf: decoded.pixels)
        fillWithMeasuredLevel(levels, noisy: noisy, clean: clean)
    }
}
