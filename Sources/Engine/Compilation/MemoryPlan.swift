/// Places values with lifetimes in one arena: largest first, each at the lowest offset free for its whole life.
struct MemoryPlan {
    struct Item {
        /// In floats, a multiple of 16.
        var count: Int
        /// The instruction that makes it and the last one that reads it.
        var first: Int
        var last: Int
    }

    private(set) var offsets: [Int]
    private(set) var total: Int

    init(_ items: [Item]) {
        offsets = [Int](repeating: 0, count: items.count)
        total = 0
        var placed: [Int] = []
        let order = items.indices.sorted { (items[$0].count, $1) > (items[$1].count, $0) }
        for index in order {
            let item = items[index]
            let blocking = placed.filter { items[$0].first <= item.last && item.first <= items[$0].last }
                .sorted { offsets[$0] < offsets[$1] }
            var offset = 0
            for other in blocking {
                if offset + item.count <= offsets[other] { break }
                offset = max(offset, offsets[other] + items[other].count)
            }
            offsets[index] = offset
            total = max(total, offset + item.count)
            placed.append(index)
        }
    }
}
