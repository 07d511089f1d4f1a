import Documents
import RandomStreams
import SearchSpaces
import Testing

@Suite struct MembershipLaws {
    /// `genotypes(matching:)` is the inverse of `resolve`.
    @Test(arguments: SpaceSample.all) func everyPointIsFoundFromItsDocument(_ sample: SpaceSample) throws {
        let space = try sample.space()
        for seed in 0..<20 {
            var stream = RandomStream(seed: UInt64(seed))
            let document = space.resolve(space.sample(using: &stream))
            let found = space.genotypes(matching: document)
            #expect(found.contains { space.resolve($0) == document }, "\(document.json)")
        }
    }

    @Test func aDocumentMaySayMoreOrLessThanTheTemplate() throws {
        let space = try SearchSpace(
            .parse(
                """
                halcyon: 1
                shared: {activation: {choice: [relu, gelu]}}
                template:
                  net: {fixed: 3, head: {activation: {reference: activation}}, width: {int: [4, 8], step: 2}, activation: {reference: activation}}
                """, file: "s.yaml"))
        func found(_ text: String) throws -> [String] {
            try space.genotypes(matching: .parse(text, file: "d.yaml")).map(\.document.json)
        }
        let whole = "{net: {fixed: 3, head: {activation: gelu, kernel: 3}, width: 6.0, activation: gelu, bias: true}}"
        let expected = try found("{net: {head: {activation: gelu}, width: 6, activation: gelu}}")
        #expect(expected.count == 1)
        #expect(try found(whole) == expected)
        for other in [
            "{net: {fixed: 4, head: {activation: gelu}, width: 6, activation: gelu}}", "{net: {head: {activation: gelu}, width: 6, activation: relu}}",
            "{net: {head: {activation: gelu}, width: 5, activation: gelu}}", "{net: {head: {activation: gelu}, activation: gelu}}", "{other: 1}", "[1]",
        ] {
            #expect(try found(other).isEmpty, "\(other)")
        }
    }
}
