import Documents
import Foundation
import Testing
import Trials

@Suite struct WireTests {
    /// The golden transcript is read, and written back byte for byte.
    @Test func goldenTranscript() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Experiments/worker-protocol/transcript.jsonl").standardized.path
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        var words: Set<String> = []
        for (index, line) in lines.enumerated() {
            let text = String(line.dropFirst(2))
            if line.hasPrefix(">") {
                #expect(try WireCommand(line: text, file: path, number: index + 1).line == text)
            } else {
                #expect(try WorkerEvent(line: text, file: path, number: index + 1).line == text)
                words.insert(try Document.parse(text, file: path).required("message").string())
            }
        }
        #expect(words == ["hello", "started", "heartbeat", "measurement", "checkpoint", "result", "stopped", "failed"])
    }

    @Test func aForeignWorkerMayEscapeAndSayMore() throws {
        let line = #"{"message":"failed","trial":1,"attempt":1,"reason":"no \ud83d\ude00 \/ data","mood":"bad"}"#
        #expect(try WorkerEvent(line: line) == .failed(trial: 1, attempt: 1, reason: "no 😀 / data", fatal: false))
        let result = #"{"message":"result","trial":1,"attempt":1,"resource":5,"points":[{"point":0,"metrics":{"a":1},"exit":"last"}]}"#
        #expect(try WorkerEvent(line: result) == .result(trial: 1, attempt: 1, resource: 5, points: [Point(metrics: ["a": 1])]))
    }

    @Test func garbageIsRefusedWithItsPlace() {
        let events = [
            "", "{", "null", "[]", "{\"message\":\"hello\"}", "{\"message\":\"hello\",\"version\":9,\"pid\":1,\"environment\":{}}",
            "{\"message\":\"checkpoint\",\"trial\":-1,\"attempt\":1,\"resource\":1,\"path\":\"\"}",
            "{\"message\":\"result\",\"trial\":1,\"attempt\":1,\"resource\":1,\"points\":[]}",
            "{\"message\":\"measurement\",\"trial\":1,\"attempt\":1,\"point\":0,\"metric\":\"x\",\"resource\":1,\"value\":null}",
        ]
        for line in events { #expect(throws: InputError.self) { try WorkerEvent(line: line) } }
        for line in ["{\"stop\":false}", "{\"message\":\"train\"}", "train"] {
            #expect(throws: InputError.self) { try WireCommand(line: line) }
        }
        let error = #expect(throws: InputError.self) { try WorkerEvent(line: "oops", file: "worker 7", number: 3) }
        #expect(error?.description.hasPrefix("worker 7:3:") == true)
    }
}
