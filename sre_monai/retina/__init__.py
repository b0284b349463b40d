"""Fundus photographs: preprocessing, vessels and their measures, data sets, evaluation.

Imported when first used: some need extras, and a command should not wait for what it does not use.

From a photograph to its measures, one step after the other, as ``inference.json`` of the bundle names them. Each reads
and writes keys of the photograph's item:

| step | reads | writes | what it does |
|---|---|---|---|
| `load_image` | `image` | `image` | a path becomes bytes (W, H, 3) with metadata |
| `channel_first` | `image` | `image` | (3, W, H) |
| `field_of_view` | `image` | `fov` | estimates the field of view (1, W, H), if there is none |
| `copy_photograph` | `image`, `fov` | `photograph`, `photograph_fov` | keeps both on their own pixels |
| `crop` | `image`, `fov` | `image`, `fov` | cuts off a wide border |
| `largest_resolution` | `image`, `fov` | `image`, `fov` | reduces what is larger than `largest_diameter` |
| `normalize` | `image`, `fov` | `image` | mean and spread of the whole field of view |
| `working_resolution` | `image`, `fov` | `image`, `fov` | the scale that the network was trained at |
| `quality` | `image`, `fov`, `photograph`, `photograph_fov` | `report` | flags, sizes, brightness, sharpness |
| `metadata` | `photograph`, `report` | `report` | what the file's header says |
| `local_contrast` | `image`, `fov` | `image` | mean and spread around each pixel |
| `network` | `image` | `pred` | logits (2, w, h), window by window |
| `softmax` | `pred` | `pred` | probabilities |
| `vessel_channel` | `pred` | `pred` | those of a vessel (1, w, h) |
| `skeleton_length` | `pred`, `report` | `report` | measured at the working resolution |
| `invert` | `pred`, `image` | `pred` | back to the photograph's own pixels, by the history of `image` |
| `vessel_mask` | `pred`, `photograph_fov`, `report` | `pred`, `mask`, `report` | zero outside; cut at `threshold`; density |
| `measure` | `mask`, `photograph_fov`, `report`, `um_per_pixel`, `file`, `name` | `measures`, `report`, `outputs` | only with the option `measures`; the size of a pixel is the item's or that of `photograph` |
| `save` | `mask`, `pred`, `photograph`, `photograph_fov`, `name`, `outputs` | `outputs`, `thumbnails`, `preview` | files, and pictures for the report |

`file`, `name` and `um_per_pixel` come from the list of photographs. `sre_monai.runs.folder` puts `report`, `outputs`,
`thumbnails` and `preview` into the folder's report.
"""  # noqa: E501

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
