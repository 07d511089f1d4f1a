import Documents
import Testing

@Suite struct DocumentTests {
    @Test func locatedErrors() throws {
        let text = "halcyon: 1\nname: x\nbatch: lots\nwidht: 3\n"
        let document = try Document.parse(text, file: "e.yaml")
        #expect { try document.required("batch").int("batch") } throws: { error in
            "\(error)" == "e.yaml:3:8: batch: expected an integer, found the text \"lots\""
        }
        #expect { try document.allowOnly(["halcyon", "name", "batch", "width"]) } throws: { error in
            "\(error)" == "e.yaml:4:1: unknown key \"widht\" (did you mean \"width\"?)"
        }
    }

    @Test func scalars() throws {
        let document = try Document.parse("[1, -2, 1e-3, 4GB, true, ~, '5', .5, \"é\\n\"]", file: "t")
        #expect(document == [1, -2, 0.001, "4GB", true, Document.null, "5", 0.5, "é\n"])
    }

    @Test func roundTrips() throws {
        let document: Document = [
            "a": 1, "b": [1.5, "two", ["c": .null]], "quoted": "12", "text": "line\n\"x\" \\ : #", "flag": false, "empty": [],
        ]
        #expect(try Document.parse(document.json, file: "j") == document)
        #expect(try Document.parse(document.yaml, file: "y") == document)
        #expect(document.canonicalJSON.hasPrefix("{\"a\":1,\"b\""))
    }

    @Test func everyCharacterComesBack() throws {
        let numbers = (1...0x10FFFF).lazy.filter { $0 < 0x3000 || $0 % 251 == 0 || $0 & 0xFFF0 == 0xFFF0 || $0 == 0xFEFF }
        var bad: [String] = []
        for number in numbers {
            guard let scalar = Unicode.Scalar(UInt32(number)) else { continue }
            // Yams drops a byte order mark at the beginning of a text, as of a file.
            let document: Document = [
                "a\(scalar)b": .string("a\(scalar)b"), "lone": .string(number == 0xFEFF ? "" : "\(scalar)"),
            ]
            let back = try? Document.parse(json: document.json, file: "j")
            if back?.json != document.json { bad.append(String(number, radix: 16)) }
        }
        #expect(bad.isEmpty)
    }

    @Test func surrogatePairsAreCharacters() throws {
        func parse(_ text: String) throws -> String { try Document.parse(json: "{\"t\":\"\(text)\"}", file: "j").required("t").string() }
        #expect(try parse(#"a\ud83d\ude00b"#) == "a😀b")
        #expect(try parse(#"\uD83D\uDE00\u00e9"#) == "😀é")
        #expect(try parse(#"\\ud83d\\ude00"#) == #"\ud83d\ude00"#)
        #expect(try parse(#"\\\ud83d\ude00"#) == #"\😀"#)
        for lone in [#"\ud83d"#, #"\ude00\ud83d"#, #"\ud83d\u0041"#] { #expect(throws: InputError.self) { try parse(lone) } }
    }

    @Test func digestKnownAnswers() {
        #expect(SHA256.hexadecimal(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            SHA256.hexadecimal(of: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    }

    @Test func malformed() {
        for text in ["a: [1, 2", "a: 1\na: 2", "a: b: c", ""] {
            #expect(throws: InputError.self) { try Document.parse(text, file: "bad.yaml") }
        }
    }
}
