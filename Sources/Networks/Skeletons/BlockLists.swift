import Documents

/// At most this many blocks in one skeleton.
let largestBlockCount = 256

/// Reads the list `blocks`, or another, of a mapping: blocks one after the other, each of so many output channels.
func parseBlocks(_ document: Document, channels: Int, key: String = "blocks") throws -> [any Block] {
    let list = try document.required(key)
    let items = try list.array(key)
    guard items.count <= largestBlockCount else {
        throw list.fail("\(key): expected at most \(largestBlockCount) blocks, found \(items.count)", hint: "use fewer blocks")
    }
    return try items.map { try parseBlock($0, channels: channels) }
}

/// Refuses lists that together hold too many blocks.
/// - Parameter list: the groups or stages, for the error's place, called `name`.
func checkCount(of blocks: [[any Block]], in list: Document, _ name: String) throws {
    let count = blocks.reduce(0) { $0 + $1.count }
    guard count <= largestBlockCount else {
        throw list.fail("\(name): expected at most \(largestBlockCount) blocks in all, found \(count)", hint: "use fewer blocks")
    }
}

extension NetworkBuilder {
    /// Blocks one after the other, the first of them number `number` from 1 in its network: `conv{number}` for a block of one
    /// convolution, `block{number}.…` for others. Counts the number on.
    mutating func blocks(_ blocks: [any Block], _ input: FeatureMap, channels: Int, number: inout Int) -> FeatureMap {
        var x = input
        for block in blocks {
            let scope = block.isSingleConvolution ? NameScope(position: number) : NameScope(prefix: "block\(number)")
            x = block.build(&self, x, channels: channels, scope: scope)
            number += 1
        }
        return x
    }
}
