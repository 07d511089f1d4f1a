import Reporting
import Testing

@Suite struct TensorBoardTests {
    /// RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
    @Test func checksumsAreTheStandards() {
        #expect(TensorBoardFile.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(TensorBoardFile.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(TensorBoardFile.checksum([UInt8](0..<32)) == 0x46DD_794E)
    }

    /// Byte for byte what the format says, written out by hand.
    @Test func recordsAreThoseOfTheFormat() {
        var file = TensorBoardFile(time: 0)
        let head = file.bytes
        file.add("loss", 0.5, step: 300, time: 1)
        let record = Array(file.bytes[head.count...])
        let scalar: [UInt8] = [0x0A, 4] + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3F]
        let event: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 0xAC, 0x02, 0x2A, UInt8(scalar.count + 2), 0x0A, UInt8(scalar.count)] + scalar
        #expect(Array(record[..<8]) == [UInt8(event.count), 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(record[12..<12 + event.count]) == event && record.count == event.count + 16)
        for (content, place) in [(Array(record[..<8]), 8), (event, 12 + event.count)] {
            let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(record[place + $1]) << UInt32(8 * $1) }
            let unmasked = stored &- 0xA282_EAD8
            #expect(unmasked >> 17 | unmasked << 15 == TensorBoardFile.checksum(content))
        }
        #expect(head.count == 16 + 9 + 2 + 13 && String(decoding: head[23..<36], as: UTF8.self) == "brain.Event:2")
    }
}
