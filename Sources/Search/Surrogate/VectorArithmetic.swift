import Foundation

func log2(_ value: Double) -> Double { Foundation.log2(value) }

/// The sum of products of `count` numbers, eight at a time.
@inline(__always)
func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
    var sum = SIMD8<Double>.zero
    let (left, right) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
    let whole = count & ~7
    var index = 0
    while index < whole {
        sum +=
            left.loadUnaligned(fromByteOffset: 8 * index, as: SIMD8<Double>.self)
            * right.loadUnaligned(fromByteOffset: 8 * index, as: SIMD8<Double>.self)
        index += 8
    }
    var total = sum.sum()
    while index < count {
        total += a[index] * b[index]
        index += 1
    }
    return total
}

/// a += factor * b, eight at a time.
@inline(__always)
func add(_ a: UnsafeMutablePointer<Double>, _ factor: Double, _ b: UnsafePointer<Double>, _ count: Int) {
    let (left, right) = (UnsafeMutableRawPointer(a), UnsafeRawPointer(b))
    let whole = count & ~7
    var index = 0
    while index < whole {
        let sum =
            left.loadUnaligned(fromByteOffset: 8 * index, as: SIMD8<Double>.self)
            + factor * right.loadUnaligned(fromByteOffset: 8 * index, as: SIMD8<Double>.self)
        left.storeBytes(of: sum, toByteOffset: 8 * index, as: SIMD8<Double>.self)
        index += 8
    }
    while index < count {
        a[index] += factor * b[index]
        index += 1
    }
}

/// Replaces each x (0 or less) by e^x: x = n ln 2 + r and the power series of e^r to r^11, to 1e-15.
func exponentiate(_ values: inout [Double]) {
    values.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        let count = bytes.count / 8
        var index = 0
        while index < count {
            var lanes = SIMD8<Double>.zero
            let width = min(8, count - index)
            if width == 8 {
                lanes = base.loadUnaligned(fromByteOffset: 8 * index, as: SIMD8<Double>.self)
            } else {
                for lane in 0..<width { lanes[lane] = base.loadUnaligned(fromByteOffset: 8 * (index + lane), as: Double.self) }
            }
            let result = exponential(lanes)
            if width == 8 {
                base.storeBytes(of: result, toByteOffset: 8 * index, as: SIMD8<Double>.self)
            } else {
                for lane in 0..<width { base.storeBytes(of: result[lane], toByteOffset: 8 * (index + lane), as: Double.self) }
            }
            index += 8
        }
    }
}

@inline(__always)
private func exponential(_ value: SIMD8<Double>) -> SIMD8<Double> {
    let x = value.replacing(with: -700, where: value .< -700)
    // Adding and taking away 1.5 * 2^52 rounds to an integer, whose bits stand at the end of the sum.
    let shift = SIMD8<Double>(repeating: 0x1.8p52)
    let shifted = x * 1.4426950408889634 + shift
    let n = shifted - shift
    let coarse = x - n * 0.6931471803691238
    let r = coarse - n * 1.9082149292705877e-10
    var sum = SIMD8<Double>(repeating: 1 / 39_916_800)
    /// One more term of the series, as Horner sums it.
    func add(_ factor: Double) { sum = sum * r + SIMD8(repeating: factor) }
    add(1 / 3_628_800)
    add(1 / 362_880)
    add(1 / 40_320)
    add(1 / 5_040)
    add(1 / 720)
    add(1 / 120)
    add(1 / 24)
    add(1 / 6)
    add(0.5)
    add(1)
    add(1)
    let bits = (unsafeBitCast(shifted, to: SIMD8<UInt64>.self) &+ 1023) &<< 52
    return sum * unsafeBitCast(bits, to: SIMD8<Double>.self)
}

/// The standard normal density and distribution.
func normalDensity(_ z: Double) -> Double { 0.3989422804014327 * exp(-0.5 * z * z) }
func normalDistribution(_ z: Double) -> Double { 0.5 * erfc(-z * 0.7071067811865476) }
