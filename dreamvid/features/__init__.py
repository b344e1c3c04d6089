"""What a net has learned, looked at: pictures of its units and classes, and measurements of them.

`studio` dreams the pictures, `units` names what is dreamed, `sheet`, `plots` and `page` lay out what came of it,
`outputs` writes it; every other module is one question and one subcommand of `dreamvid features`.
"""
