import bpy

settings = bpy.context.scene.photo_to_terrain.settings

settings.resolution = 2048
settings.sampler = 'few_step'
settings.steps = 8
settings.start_noise = 0.5
settings.hydrology_weight = 1.0
settings.geomorphology_weight = 1.0
settings.view_weight = 1.0
settings.exact_guidance = False
settings.polish_rounds = 3
settings.upsample = 1
