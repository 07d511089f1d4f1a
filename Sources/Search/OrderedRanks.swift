/// A set of numbers in 0..<count with the nearest member on either side of a place: insertion, removal and search in O(log n), by
/// words of 64 bits over words of 64 bits.
struct OrderedRanks {
    /// The lowest level has a bit for each number, each further one a bit for each word of that below.
    private var levels: [[UInt64]] = []

    init(count: Int) {
        var words = count
        repeat {
            words = (words + 63) / 64
            levels.append(Array(repeating: 0, count: max(words, 1)))
        } while words > 1
    }

    mutating func insert(_ number: Int) {
        var place = number
        for level in levels.indices {
            levels[level][place >> 6] |= 1 << UInt64(place & 63)
            place >>= 6
        }
    }

    mutating func remove(_ number: Int) {
        var place = number
        for level in levels.indices {
            levels[level][place >> 6] &= ~(1 << UInt64(place & 63))
            if levels[level][place >> 6] != 0 { return }
            place >>= 6
        }
    }

    func last(before number: Int) -> Int? {
        var place = number
        for level in levels.indices {
            let below = levels[level][place >> 6] & ((1 << UInt64(place & 63)) - 1)
            if below != 0 {
                return descend(level, place & ~63 | (63 - below.leadingZeroBitCount)) { 63 - $0.leadingZeroBitCount }
            }
            place >>= 6
        }
        return nil
    }

    func first(after number: Int) -> Int? {
        var place = number
        for level in levels.indices {
            let above = levels[level][place >> 6] & ~((2 << UInt64(place & 63)) &- 1)
            if above != 0 { return descend(level, place & ~63 | above.trailingZeroBitCount) { $0.trailingZeroBitCount } }
            place >>= 6
        }
        return nil
    }

    private func descend(_ level: Int, _ place: Int, _ choose: (UInt64) -> Int) -> Int {
        (0..<level).reversed().reduce(place) { $0 << 6 | choose(levels[$1][$0]) }
    }
}
