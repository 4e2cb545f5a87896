//! Documents for people: the same text as Markdown and as a page of HTML.
//!
//! In: headings, paragraphs, lists and tables of plain text, of which nothing is trusted. Out: text in which it cannot be more than text.

use std::fmt::Write as _;

/// A document in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    title: String,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Heading(String),
    Paragraph(String),
    List(Vec<String>),
    Table(Vec<String>, Vec<Vec<String>>),
}

impl Document {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    pub(crate) fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub(crate) fn paragraph(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Paragraph(text.into()));
    }

    pub(crate) fn list(&mut self, items: Vec<String>) {
        self.blocks.push(Block::List(items));
    }

    pub(crate) fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) {
        self.blocks.push(Block::Table(head.iter().map(|text| (*text).to_owned()).collect(), rows));
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n", plain(&self.title));
        for block in &self.blocks {
            text.push('\n');
            match block {
                Block::Heading(heading) => line(&mut text, &format!("## {}", plain(heading))),
                Block::Paragraph(words) => line(&mut text, &plain(words)),
                Block::List(items) => {
                    for item in items {
                        line(&mut text, &format!("- {}", plain(item)));
                    }
                }
                Block::Table(head, rows) => {
                    let row = |cells: &[String]| {
                        let cells: Vec<_> = cells.iter().map(|cell| plain(cell)).collect();
                        format!("| {} |", cells.join(" | "))
                    };
                    line(&mut text, &row(head));
                    line(&mut text, &format!("|{}", "---|".repeat(head.len())));
                    for cells in rows {
                        line(&mut text, &row(cells));
                    }
                }
            }
        }
        text
    }

    /// As one page of HTML, without anything from elsewhere.
    pub(crate) fn html(&self) -> String {
        let title = marked_up(&self.title);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        );
        for block in &self.blocks {
            match block {
                Block::Heading(heading) => element(&mut text, "h2", heading),
                Block::Paragraph(words) => element(&mut text, "p", words),
                Block::List(items) => {
                    text.push_str("<ul>\n");
                    elements(&mut text, "li", items);
                    text.push_str("</ul>\n");
                }
                Block::Table(head, rows) => {
                    text.push_str("<table>\n<tr>");
                    elements(&mut text, "th", head);
                    text.push_str("</tr>\n");
                    for cells in rows {
                        text.push_str("<tr>");
                        elements(&mut text, "td", cells);
                        text.push_str("</tr>\n");
                    }
                    text.push_str("</table>\n");
                }
            }
        }
        text.push_str("</body></html>\n");
        text
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn element(text: &mut String, name: &str, words: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "<{name}>{}</{name}>", marked_up(words));
}

fn elements(text: &mut String, name: &str, all: &[String]) {
    for words in all {
        element(text, name, words);
    }
}

/// Text in which Markdown finds nothing to do.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' => out.extend(['\\', c]),
            _ if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(c),
        }
    }
    out
}

fn marked_up(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(c),
        }
    }
    out
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_document_is_more_than_text() {
        let mut document = Document::new("a <b> & c");
        document.heading("one");
        document.paragraph("<script>alert(1)</script> [x](y) `z`\u{1b}[31m");
        document.list(vec!["a|b".to_owned(), "*c*".to_owned()]);
        document.table(&["host"], vec![vec!["web-1 | <img>".to_owned()]]);
        let markdown = document.markdown();
        assert!(
            markdown.contains("\\<script\\>") && markdown.contains("| web-1 \\| \\<img\\> |"),
            "{markdown}"
        );
        assert!(!markdown.contains('\u{1b}') && markdown.contains("- \\*c\\*"), "{markdown}");
        let html = document.html();
        assert!(
            html.contains("&lt;script&gt;") && !html.contains("<script>") && !html.contains("<img>"),
            "{html}"
        );
        assert!(html.contains("<td>web-1 | &lt;img&gt;</td>"), "{html}");
    }
}
