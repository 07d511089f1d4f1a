/// Words that are no command, and numbers that no option takes.
let malformedCommandLines: [MalformedInput] = [
    MalformedInput("no such command", "serach x", says: ["serach", "see `halcyon --help`"]),
    MalformedInput("no argument", "search", says: ["Missing expected argument '<EXPERIMENT.yaml>'", "see `halcyon search --help`"]),
    MalformedInput("unknown option", "cost {net} --sise 3", says: ["--sise", "see `halcyon cost --help`"]),
    MalformedInput("a count below none", "space check SearchSpaces/chain.yaml --count=-1", says: ["--count: expected 1 to 1000000, found -1"]),
    MalformedInput("a count beyond all", "space sample SearchSpaces/chain.yaml --count 9223372036854775807", says: ["--count: expected 1 to"]),
    MalformedInput("no number", "evaluate {model} --data {here} --sigma nan", says: ["--sigma: expected 0 to 1000, found nan"]),
    MalformedInput(
        "no number to denoise with", "denoise {model} {photo} {here}/o.png --sigma inf",
        says: ["--sigma: expected 0 to 1000, found inf"]),
    MalformedInput(
        "an infinite threshold", "denoise {model} {photo} {here}/o.png --threshold inf",
        says: ["--threshold: expected a number"]),
    MalformedInput(
        "an output that is no PNG", "denoise {model} {photo} {here}/o.jpg",
        says: ["o.jpg: OUT.png: expected a name that ends with .png"]),
    MalformedInput(
        "no metrics", "evaluate {model} --data {here} --sigma 25 --metrics ''",
        says: ["--metrics: expected at least one of psnr"]),
    MalformedInput("no folder of images", "evaluate {model} --data '' --sigma 25", says: ["--data: expected a folder"]),
    MalformedInput("an empty word", "cost ''", says: ["the name of a file is empty"]),
    MalformedInput("no threads", "denoise {model} {photo} {here}/o.png --threads 0", says: ["--threads: expected 1 to 1024, found 0"]),
    MalformedInput("a name of two lines", "cost {here}/a\nb", says: ["a\\nb: no such file"]),
    MalformedInput("a size of nothing", "cost {net} --size 0x5", says: ["'0x5' is invalid for '--size <HxW>'"]),
]

/// Architectures and spaces.
let malformedDocuments: [MalformedInput] =
    [
        ("unknown block", "block: plain", "block: plian", ["net.yaml:8:17", "found \"plian\"", "did you mean \"plain\"?"]),
        ("a wrong type", "width: 8", "width: wide", ["net.yaml:6:12", "width: expected an integer, found the text \"wide\""]),
        ("an infinite width", "width: 8", "width: 1e999", ["net.yaml:6:12", "width: expected an integer, found the number inf"]),
        ("a huge integer", "width: 8", "width: 99999999999999999999", ["net.yaml:6:12", "expected an integer"]),
        ("a missing key", "    width: 8\n", "", ["net.yaml:5:5", "\"width\" is missing here", "add it"]),
        ("a key twice", "width: 8", "width: 8\n    width: 9", ["net.yaml:", "\"width\" stands twice", "keep one"]),
        ("a misspelt key", "width: 8", "widht: 8", ["net.yaml:6:5", "unknown key \"widht\"", "did you mean \"width\"?"]),
        ("a tab", "    kind", "\tkind", ["net.yaml:5:1", "check the indentation"]),
        ("no name in a name", "sound", "\"\"", ["net.yaml:2:7", "name: expected some text, found an empty one", "leave `name` out"]),
        ("a control character", "sound", "so\u{1}und", ["net.yaml:2:9", "control characters are not allowed"]),
        ("a newer format", "halcyon: 1", "halcyon: 2", ["net.yaml:1:10", "expected version 1", "write halcyon: 1"]),
        ("no end of a text", "sound", "\"sound", ["net.yaml:", "check the indentation, quotes and brackets"]),
        (
            "heads that do not divide the width", "block: plain", "block: window-attention, heads: 3, window: 4",
            ["net.yaml:8:", "3 heads do not divide 8 channels", "possible here: 1, 2, 4, 8"]
        ),
        (
            "a window beyond all images", "block: plain", "block: window-attention, heads: 2, window: 100000",
            ["net.yaml:8:", "window: expected an integer from 2 to 16, found the integer 100000"]
        ),
        (
            "a misspelt training key", "name: sound", "name: sound\ntraining: {lerning-rate: 1e-3}",
            ["net.yaml:3:", "unknown key \"lerning-rate\"", "did you mean \"learning-rate\"?"]
        ),
        ("a training value out of range", "name: sound", "name: sound\ntraining: {beta1: 2}", ["net.yaml:3:", "beta1: expected"]),
        ("an alias of nothing", "width: 8", "width: *eight", ["net.yaml:6:", "undefined alias"]),
    ].map { name, old, new, says in
        MalformedInput(name, "cost {here}/net.yaml", says: says) { try $0.edit("net.yaml", old, new) }
    } + [
        ("an empty document", "", ["x.yaml:1:1", "the document is empty", "expected a mapping"]),
        ("a prose text", "hello world", ["x.yaml:1:1", "expected a mapping, found the text"]),
        ("ten thousand levels", String(repeating: "[", count: 10_000), ["x.yaml:1:1", "too deep"]),
        ("two documents", "halcyon: 1\n---\nhalcyon: 1\n", ["x.yaml:2:1", "another document"]),
        (
            "aliases of aliases",
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
                + (1..<10).map { n in "a\(n): &a\(n) [" + Array(repeating: "*a\(n - 1)", count: 10).joined(separator: ", ") + "]\n" }
                .joined(), ["x.yaml:", "more than 4000000 values", "fewer aliases"]
        ),
    ].map { name, text, says in
        MalformedInput(name, "cost {here}/x.yaml", says: says) { try $0.write("x.yaml", text) }
    } + [
        ("an empty choice", "template: {choice: []}", ["x.yaml:2:20", "choice: expected at least one alternative"]),
        (
            "a cycle of references", "definitions: {a: {reference: b}, b: [{reference: a}]}\ntemplate: {reference: a}",
            ["x.yaml:2:", "cyclic: a > b > a", "cannot contain itself"]
        ),
        ("a reference to nothing", "template: {reference: nobody}", ["x.yaml:2:23", "nobody"]),
        ("bounds the wrong way", "template: {int: [5, 1]}", ["x.yaml:2:17", "the low bound 5 is above the high bound 1"]),
        (
            "a misspelt training key of a space",
            "template:\n  halcyon: 1\n  training: {warmup: 3}\n"
                + "  network: {skeleton: {kind: chain, width: 8, blocks: [{block: plain}]}}",
            ["x.yaml:4:14", "unknown key \"warmup\"", "did you mean \"warm-up\"?"]
        ),
        ("a huge repeat", "template: {repeat: 1, count: 1001}", ["x.yaml:2:30", "count: expected an integer from 0 to 1000"]),
    ].map { name, text, says in
        MalformedInput(name, "space check {here}/x.yaml", says: says) { try $0.write("x.yaml", "halcyon: 1\n\(text)\n") }
    }

/// Experiments: checked before anything is written.
let malformedExperiments: [MalformedInput] = [
    ("unknown loss", "loss: l1", "loss: l7", ["experiment.yaml:8:16", "found \"l7\""]),
    ("unknown strategy", "kind: random", "kind: rondam", ["experiment.yaml:12:18", "found \"rondam\""]),
    ("a missing space", "chain.yaml", "chian.yaml", ["experiment.yaml:3:8", "chian.yaml", "name a space file"]),
    ("no budget", "{trials: 2}", "{}", ["experiment.yaml:13:9", "a budget needs"]),
    ("an unknown metric", "metric: macs", "metric: mcas", ["experiment.yaml:10:", "found \"mcas\"", "did you mean \"macs\"?"]),
    ("a crop beyond the pictures", "crop: 16", "crop: 64", ["experiment.yaml:5:", "crop: expected at most the size of the pictures, 32, found 64"]),
    (
        "no folder of pictures", "kind: dead-leaves, images: 1, size: 32", "kind: folder, path: /nowhere/at/all",
        ["experiment.yaml:6:", "/nowhere/at/all", "name a folder"]
    ),
].map { name, old, new, says in
    MalformedInput(name, "search {here}/experiment.yaml --out {here}/new", says: says) { try $0.edit("experiment.yaml", old, new) }
}
