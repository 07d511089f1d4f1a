import Documents
import Foundation

/// Scalars over steps as a file that TensorBoard reads: records of a length, its checksum, an `Event` message, and its checksum.
///
/// Source: tensorflow/core/util/event.proto and lib/io/record_writer.h. Messages are written by hand: five fields are needed.
package struct TensorBoardFile {
    /// The file so far.
    package private(set) var bytes: [UInt8] = []

    /// - Parameter time: seconds since 1970.
    package init(time: Double) { append(Self.double(1, time) + Self.bytes(3, Array("brain.Event:2".utf8))) }

    /// Adds one point of a curve.
    package mutating func add(_ tag: String, _ value: Double, step: Int, time: Double) {
        let scalar = Self.bytes(1, Array(tag.utf8)) + [2 << 3 | 5] + Self.little(UInt64(Float(value).bitPattern), 4)
        append(Self.double(1, time) + [2 << 3] + Self.variable(step) + Self.bytes(5, Self.bytes(1, scalar)))
    }

    /// The name that TensorBoard looks for.
    package static func name(time: Double) -> String { "events.out.tfevents.\(Int(time)).halcyon" }

    private mutating func append(_ event: [UInt8]) {
        let length = Self.little(UInt64(event.count), 8)
        bytes += length + Self.little(UInt64(Self.maskedChecksum(length)), 4) + event + Self.little(UInt64(Self.maskedChecksum(event)), 4)
    }

    private static func little(_ value: UInt64, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) } }

    private static func double(_ field: UInt8, _ value: Double) -> [UInt8] { [field << 3 | 1] + little(value.bitPattern, 8) }

    private static func bytes(_ field: UInt8, _ content: [UInt8]) -> [UInt8] { [field << 3 | 2] + variable(content.count) + content }

    private static func variable(_ value: Int) -> [UInt8] {
        var (rest, result) = (UInt64(bitPattern: Int64(value)), [UInt8]())
        while rest >= 0x80 {
            result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return result + [UInt8(rest)]
    }

    private static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
        let sum = checksum(bytes)
        return (sum >> 15 | sum << 17) &+ 0xa282_ead8
    }

    /// CRC-32C (Castagnoli 1993).
    package static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum = UInt32.max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0x82f6_3b78 : 0) }
        }
        return ~sum
    }
}
