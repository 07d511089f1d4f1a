import Documents
import Testing

@Suite struct JSONReaderTests {
    private func read(_ text: String, omitting: [String] = []) -> Document? {
        var text = text
        return text.withUTF8 { JSONReader.read(UnsafeRawBufferPointer($0), omitting: omitting) }
    }

    /// Whatever it reads, the YAML parser reads alike; what it leaves to the other is null here.
    @Test(arguments: [
        #"{}"#, #"[]"#, #"{"a":1,"b":[1.5,-2,0,-0,1e3,1E-2],"c":{"d":null,"e":true,"f":false}}"#, #"  {"a" : [ 1 , 2 ] }  "#,
        #""é \"quoted\" \\ \n\t\r \u00e9 \/""#, #"9223372036854775807"#, #"-9223372036854775807"#, #"92233720368547758080"#, #"{"":""}"#,
        #"0.30000000000000004"#, #"123456789012345678"#, #"{"a":"\u0041"}"#,
    ]) func itReadsWhatTheOtherReads(_ text: String) throws {
        let found = try #require(read(text))
        let expected = try Document.parse(json: text, file: "t")
        #expect(found == expected)
        #expect(found.json == expected.json)
    }

    @Test(arguments: [
        "", "{", #"{"a"}"#, #"{"a":1,}"#, "[1,]", "[1 2]", "01", "1.", "-", "+1", ".5", "1e", "tru", "nul", #""open"#, "\"a\nb\"", #"{"a":1,"a":2}"#,
        "{} {}", "'a'", "{a: 1}", #""\x""#, #""\u12""#, #""\ud800""#, "NaN", "Infinity",
    ]) func whatIsNotJSONIsLeftToTheOther(_ text: String) {
        #expect(read(text) == nil)
    }

    @Test func surrogatesJoin() throws { #expect(read(#""\ud83d\ude00""#) == .string("😀")) }

    @Test func bytesThatAreNoTextAreRefused() {
        let bytes: [UInt8] = [0x22, 0xFF, 0x22]
        #expect(bytes.withUnsafeBytes { JSONReader.read($0) } == nil)
    }

    @Test func fieldsArePassedOver() throws {
        let text = #"{"a":{"x":"]}\"","y":[1,{"z":2}]},"b":2,"c":-1.5,"d":"a","e":[]}"#
        #expect(read(text, omitting: ["a", "c", "e"]) == ["a": .null, "b": 2, "c": .null, "d": "a", "e": .null])
        #expect(read(#"{"a":[1,"#, omitting: ["a"]) == nil)
    }
}
