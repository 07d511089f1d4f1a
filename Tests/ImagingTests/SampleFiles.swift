import Foundation

/// Small picture files made by other programs (zlib and libjpeg by hand), to be decoded and damaged.
enum SampleFiles {
    static let palette = data(
        """
        iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAMAAACqqpYoAAAACVBMVEX/AAAAgAAKFB6i/Dr5AAAAEElEQVR42mNgYGRiYGJkAAAAIAAH9SrfLw
        AAAABJRU5ErkJggg==
        """)

    static let twoBitGray = data(
        """
        iVBORw0KGgoAAAANSUhEUgAAAAQAAAABAgAAAACW50iwAAAACklEQVR42mOQBgAAHQAcI3yPrAAAAABJRU5ErkJggg==
        """)

    static let gray16 = data(
        """
        iVBORw0KGgoAAAANSUhEUgAAAAIAAAACEAAAAAAHTY67AAAAEklEQVR42mNgYGBkYpjj8P8/AAZKAt5g3w+EAAAAAElFTkSuQmCC
        """)

    static let rgba = data(
        """
        iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAEUlEQVR42mNgZGJm+PX7z38ACgED9yWK0ugAAAAASUVORK5CYII=
        """)

    static let grayAlpha = data(
        """
        iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAQAAABeK7cBAAAADUlEQVR42mNg5zzxHwACywHYFgY5aQAAAABJRU5ErkJggg==
        """)

    static let colourJPEG = data(
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGB
        YUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAY
        ABgDAREAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhBy
        JxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKT
        lJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAA
        AAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRom
        JygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExc
        bHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwD4w+Fng3/VfJ6dq9P6sef9YPsD4WeDf9V8np2o+rB9YPr34Z+F
        I7aFJZQEjUAljXn5hXwuVYWpjcbNQpQV230/VtvRJXbbSSbaRcKspyUY6tn57/Czwb/qvk9O1fdfVj5f6wfXnwz8KR2sKSygJGoBLGvPzCvhcq
        wtTG42ahSgrtvp+rbeiSu22kk20ioVZTkox1bJf2ifi7P4H8LW3h/RZprTXtYQ+RLbSosllAGAeVhywZxuRCAMYchgyc/ypPH4nxFzX6zWjy4D
        Dv3abT9+VnaUraOS3au1FNQSalKUv6G8MOFIZpjHjsXFSo0mrpp2nJp2iulo6Skm3f3U4tS08u+GfhSO2hSWUBI1AJYiv7WzCvhcqwtTG42ahS
        grtvp+rbeiSu22kk20j+VIVZTkox1bPaZfEGn+DfC174k1kTQ6NpqK5jhj3yOxYIgA7szMqjJAG7kgZNfw3xRxBmPiHmtPA4RclBN+zg3bZO85
        73la7sr8qvGN25Of33D+VV8yxlPAYWzq1Ha7dkrJtu/ZJNu127aJuyPjTxp4l1TxLF4g8Xau0Q1nUsRp9nPkBGKiNBH3+RACOSxCZJJy1f0Lwz
        w7QwroZfh4v2cNddet3f8AxPfprorWR/X3E+Ow/BPB9ajgpOPLHkh79pc021zJ78yvKpaKXwu3Kldf/9k=
        """)

    static let grayJPEG = data(
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGB
        YUGBIUFRT/wAALCAAYABgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIh
        MUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhI
        WGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APhr
        4WaH/qvl9K+wPhZof+q+X0r7A+Fmh/6r5fSvy/8AhZof+q+X0r7A+Fmh/wCq+X0r7A+Fmh/6r5fSvy/+Fmh/6r5fSvsD4WaH/qvl9K9A/ai+Jn
        /CjP2U/HHiG3uvsmtXVl/ZGktFf/Y7gXVz+5WSBx8xlhVnuAqfMRA3KgFl/9k=
        """)

    private static func data(_ base64: String) -> Data { Data(base64Encoded: base64, options: .ignoreUnknownCharacters) ?? Data() }
}
