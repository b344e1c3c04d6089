"""The figures of five texts on deep dreams, made again: each claim with a number that tests it, on any net.

A room for each subject: how dreams are climbed (climbing) and look (dreams), neurons, classes, sketches, nets trained
for it (lessons). Each has its ENTRIES; `gallery` makes the page of them all.
"""
