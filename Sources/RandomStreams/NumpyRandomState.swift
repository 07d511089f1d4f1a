/// numpy's legacy `RandomState(seed).normal`: MT19937 with `init_genrand`, and the polar method.
///
/// Source: Matsumoto and Nishimura 1998; numpy's legacy-distributions.c (`legacy_gauss`).
/// The polar pair's second value (f * x2) comes first, the first one on the next call.
package struct NumpyRandomState: Sendable {
    private var state: [UInt32]
    private var cursor = 624
    private var kept: Double?

    package init(seed: UInt32) {
        state = [UInt32](repeating: 0, count: 624)
        state[0] = seed
        for i in 1..<624 { state[i] = 1_812_433_253 &* (state[i - 1] ^ (state[i - 1] >> 30)) &+ UInt32(i) }
    }

    package mutating func nextWord() -> UInt32 {
        if cursor == 624 {
            for i in 0..<624 {
                let y = (state[i] & 0x8000_0000) | (state[(i + 1) % 624] & 0x7fff_ffff)
                state[i] = state[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_b0df)
            }
            cursor = 0
        }
        var y = state[cursor]
        cursor += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9d2c_5680
        y ^= (y << 15) & 0xefc6_0000
        return y ^ (y >> 18)
    }

    /// Uniform in [0, 1), 53 bits.
    package mutating func uniform() -> Double {
        let high = nextWord() >> 5
        let low = nextWord() >> 6
        return (Double(high) * 67_108_864 + Double(low)) / 9_007_199_254_740_992
    }

    /// Standard normal.
    package mutating func normal() -> Double {
        if let kept {
            self.kept = nil
            return kept
        }
        var x1 = 0.0, x2 = 0.0, r2 = 0.0
        repeat {
            x1 = 2 * uniform() - 1
            x2 = 2 * uniform() - 1
            r2 = x1 * x1 + x2 * x2
        } while r2 >= 1 || r2 == 0
        let f = (-2 * logarithm(r2) / r2).squareRoot()
        kept = f * x1
        return f * x2
    }
}
