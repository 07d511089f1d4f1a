import RandomStreams

/// Fills a buffer with standard normal values: Box-Muller in Float over the stream's Philox words, written so that the
/// compiler vectorises it (about 3 ns a value with SSE2). Only sums, products and square roots are used, each rounded
/// as IEEE 754 says, so the values are the same on every machine.
///
/// The fill starts at the stream's next whole block of four words and takes one word a value, rounded up to whole
/// blocks: a shorter fill is a prefix of a longer one. |values| stay below 6.67 (the uniform has 31 bits).
/// Source: Box and Muller 1958; the logarithm, sine and cosine are the polynomials of Cephes (Moshier) in single precision.
package func fillNormal(_ buffer: UnsafeMutableBufferPointer<Float>, from stream: inout RandomStream) {
    guard let target = buffer.baseAddress else { return }
    var counter = (stream.position + 3) / 4
    var done = 0
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * chunk) { words in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * chunk) { normals in
            guard let words = words.baseAddress, let normals = normals.baseAddress else { return }
            while done < buffer.count {
                let values = min(buffer.count - done, 4 * chunk)
                let blocks = (values + 3) / 4
                philoxWords(into: words, lane: chunk, blocks: blocks, counter: counter, key: stream.key)
                boxMuller(words, words + chunk, normals, normals + chunk, blocks)
                boxMuller(words + 2 * chunk, words + 3 * chunk, normals + 2 * chunk, normals + 3 * chunk, blocks)
                let whole = values / 4
                let output = target + done
                for i in 0..<whole {
                    output[4 * i] = normals[i]
                    output[4 * i + 1] = normals[chunk + i]
                    output[4 * i + 2] = normals[2 * chunk + i]
                    output[4 * i + 3] = normals[3 * chunk + i]
                }
                for k in 0..<values - 4 * whole { output[4 * whole + k] = normals[k * chunk + whole] }
                counter += UInt64(blocks)
                done += values
            }
        }
    }
    stream.position = counter * 4
}

/// Blocks of four words handled at a time; what is between stays in the first-level cache.
private let chunk = 256

/// Words of consecutive Philox 4x32-10 blocks, word k of block i at `words[k * lane + i]`: the words that
/// `RandomStream.nextWord` gives one by one.
private func philoxWords(into words: UnsafeMutablePointer<UInt32>, lane: Int, blocks: Int, counter: UInt64, key: UInt64) {
    let words1 = words + lane, words2 = words + 2 * lane, words3 = words + 3 * lane
    for i in 0..<blocks {
        let block = counter &+ UInt64(truncatingIfNeeded: i)
        var c0 = UInt32(truncatingIfNeeded: block), c1 = UInt32(truncatingIfNeeded: block >> 32)
        var c2: UInt32 = 0, c3: UInt32 = 0
        var k0 = UInt32(truncatingIfNeeded: key), k1 = UInt32(truncatingIfNeeded: key >> 32)
        for _ in 0..<10 {
            let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
            let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
            c0 = UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0
            c1 = UInt32(truncatingIfNeeded: p1)
            c2 = UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1
            c3 = UInt32(truncatingIfNeeded: p0)
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        words[i] = c0
        words1[i] = c1
        words2[i] = c2
        words3[i] = c3
    }
}

/// Two normals from two words: radius sqrt(-2 ln u) of the first, a direction of the second, whose top two bits are the quadrant.
private func boxMuller(
    _ radii: UnsafeMutablePointer<UInt32>, _ angles: UnsafeMutablePointer<UInt32>, _ first: UnsafeMutablePointer<Float>,
    _ second: UnsafeMutablePointer<Float>, _ count: Int
) {
    for i in 0..<count {
        // u in [2^-32, 1]
        let u: Float = Float(Int32(truncatingIfNeeded: radii[i] >> 1)) * 0x1p-31 + 0x1p-32
        let square: Float = max(-2 * naturalLogarithm(u), 0)
        let radius = square.squareRoot()

        let word = angles[i]
        let a: Float = Float(Int32(bitPattern: word << 2)) * (Float.pi * 0x1p-33)  // in [-pi/4, pi/4]
        let z: Float = a * a
        let sinePart: Float = (-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1
        let sine: Float = sinePart * z * a + a
        let cosinePart: Float = (2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2
        let cosine: Float = cosinePart * z * z - 0.5 * z + 1

        // Turned by 90 degrees when bit 30 is set, by 180 when bit 31 is.
        let swap: UInt32 = 0 &- ((word >> 30) & 1)
        let sign: UInt32 = word & 0x8000_0000
        let s = sine.bitPattern, c = cosine.bitPattern
        let x: UInt32 = ((c & ~swap) | ((s ^ 0x8000_0000) & swap)) ^ sign
        let y: UInt32 = ((s & ~swap) | (c & swap)) ^ sign
        first[i] = radius * Float(bitPattern: x)
        second[i] = radius * Float(bitPattern: y)
    }
}

/// ln x for positive normal x, within 1 unit in the last place or so (Cephes logf, without branches).
@inline(__always)
private func naturalLogarithm(_ x: Float) -> Float {
    // x = 2^e m, m in [sqrt(1/2), sqrt(2))
    let shifted: UInt32 = x.bitPattern &- 0x3F35_04F3
    let e = Float(Int32(bitPattern: shifted) >> 23)
    let f: Float = Float(bitPattern: (shifted & 0x007F_FFFF) &+ 0x3F35_04F3) - 1
    let z: Float = f * f
    var p: Float = 7.0376836292e-2
    p = p * f - 1.1514610310e-1
    p = p * f + 1.1676998740e-1
    p = p * f - 1.2420140846e-1
    p = p * f + 1.4249322787e-1
    p = p * f - 1.6668057665e-1
    p = p * f + 2.0000714765e-1
    p = p * f - 2.4999993993e-1
    p = p * f + 3.3333331174e-1
    let tail: Float = p * f * z - 2.12194440e-4 * e - 0.5 * z
    return (f + tail) + 0.693359375 * e
}
