"""From heights and a camera to Blender's own objects. Nothing made here needs the add-on afterwards."""
