import CRandomStreams

/// A counter-based random stream: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
///
/// A stream is its 64-bit key and a position, so it is stored as two numbers and jumps anywhere at once.
/// `split` derives an independent stream from a name or a number and does not move this one: what is drawn from
/// stream (seed, "data", 17) never depends on what else was drawn.
package struct RandomStream: Sendable, Equatable, RandomNumberGenerator {
    package let key: UInt64
    /// How many 32-bit words were drawn.
    package var position: UInt64
    private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var blockIndex: UInt64 = .max

    package init(seed: UInt64, position: UInt64 = 0) {
        self.key = seed
        self.position = position
    }

    package static func == (a: RandomStream, b: RandomStream) -> Bool { a.key == b.key && a.position == b.position }

    package func split(_ name: String) -> RandomStream {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return RandomStream(seed: Self.mix(Self.mix(key) ^ hash))
    }

    package func split(_ number: Int) -> RandomStream {
        RandomStream(seed: Self.mix(Self.mix(key ^ 0x9e37_79b9_7f4a_7c15) &+ UInt64(bitPattern: Int64(number))))
    }

    /// The finalizer of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    package mutating func nextWord() -> UInt32 {
        let index = position >> 2
        if index != blockIndex {
            block = Self.philox(counter: index, key: key)
            blockIndex = index
        }
        let lane = position & 3
        position += 1
        switch lane {
        case 0: return block.0
        case 1: return block.1
        case 2: return block.2
        default: return block.3
        }
    }

    package mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// Uniform in [0, 1), 53 bits.
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in [low, high).
    package mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * uniform() }

    /// Uniform in 0..<count. The bias, below count / 2^64, is accepted: one draw, always two words.
    package mutating func index(below count: Int) -> Int {
        precondition(count > 0)
        return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(count)).high)
    }

    package mutating func flag(probability: Double = 0.5) -> Bool { uniform() < probability }

    /// Two independent standard normal values (Box-Muller).
    package mutating func normalPair() -> (Double, Double) {
        let radius = (-2 * logarithm(1 - uniform())).squareRoot()
        let angle = 2 * Double.pi * uniform()
        return (radius * cosine(angle), radius * sine(angle))
    }

    package mutating func normal() -> Double { normalPair().0 }

    /// Writes what `Float(normal() * gain * deviation)` gives one by one, to the last bit, about ten times as fast.
    package mutating func fill(_ values: UnsafeMutableBufferPointer<Float>, gain: Double, deviation: Double) {
        guard let base = values.baseAddress, position & 3 == 0 else {
            for index in values.indices { values[index] = Float(normal() * gain * deviation) }
            return
        }
        // A normal is a block of four words.
        let first = position
        halcyon_random_normals(key, first >> 2, values.count, gain, deviation, base)
        for index in values.indices where values[index].isNaN {
            position = first + 4 * UInt64(index)
            values[index] = Float(normal() * gain * deviation)
        }
        position = first + 4 * UInt64(values.count)
    }

    package mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, index(below: i + 1)) }
        return order
    }

    static func philox(counter: UInt64, key: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
        var (c0, c1, c2, c3) = (UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), UInt32(0), UInt32(0))
        var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
        for _ in 0..<10 {
            let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
            let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
            (c0, c1, c2, c3) = (
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
            )
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return (c0, c1, c2, c3)
    }
}
