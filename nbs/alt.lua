-- In Markdown (README.md and the copies of the pages) a picture's `fig-alt` becomes the words of ![words](picture).
function Image(picture)
  local words = picture.attributes['fig-alt']
  if words == nil or FORMAT:match 'html' then return nil end
  picture.attributes['fig-alt'] = nil
  picture.caption = pandoc.Inlines(words)
  return picture
end
